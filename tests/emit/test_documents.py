"""Whatever is written as YAML reads back as the same value."""

from handrail.emit.document import NOTE, Note, yaml_document
from handrail.output.read_yaml import read_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

SAMPLES = [
    "",
    "no",
    "1.0",
    "0x1",
    "1:30",
    "~",
    "null",
    "- a",
    "a: b",
    "# x",
    "a\nb\n",
    " a",
    "=",
    "<<",
    "{{ $value }}",
    "*a",
    "-",
    "-a",
    "?a",
    "? a",
    ":a",
    "a:",
    "a:b",
    "a #b",
    "a#b",
    "---a",
    "it's",
    "a\tb",
    "a\x7f",
    "\U0001f600",
    "\n",
    "a\n\n",
    " a\nb",
    "a\n b",
    "a \nb",
    "a\nb ",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(SAMPLES)
SCALARS = TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20)


@settings(max_examples=50)
@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_a_document_is_read_as_what_was_written(data: dict[str, object]) -> None:
    _, _, body = yaml_document(data, "here.py").partition("\n")

    assert read_yaml(body) == data


def test_a_zero_keeps_its_sign_whichever_was_written_before() -> None:
    _, _, body = yaml_document({"zeros": [0.0, -0.0, 0, False]}, "here.py").partition("\n")

    assert body == "zeros:\n- 0.0\n- -0.0\n- 0\n- false\n"


@settings(max_examples=30)
@given(st.lists(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=3), min_size=1, max_size=3))
def test_notes_are_comments_above_their_items_and_no_data(items: list[dict[str, object]]) -> None:
    noted = [{NOTE: Note(f"first {place}\nsecond"), **item} for place, item in enumerate(items)]

    _, _, body = yaml_document({"items": noted}, "here.py").partition("\n")

    assert read_yaml(body) == {"items": items}
    assert [body.count(f"# first {place}\n# second\n- ") for place in range(len(items))] == [1] * len(items)
