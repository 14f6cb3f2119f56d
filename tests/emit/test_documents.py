"""Whatever is written as YAML is read as what it was."""

import yaml
from handrail.emit.document import yaml_document
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
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
    ]
)
SCALARS = TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_a_document_is_read_as_what_was_written(data: dict[str, object]) -> None:
    _, _, body = yaml_document(data, "here.py").partition("\n")

    assert yaml.load(body, Loader=yaml.CSafeLoader) == data
