"""Texts behave as a dict of texts does, in the order of the paths."""

from __future__ import annotations

from handrail.output.texts import Texts
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(files=st.dictionaries(TEXT, TEXT), more=st.dictionaries(TEXT, TEXT))
def test_what_is_put_in_comes_out_in_the_order_of_the_paths(
    files: dict[str, str], more: dict[str, str]
) -> None:
    texts = Texts(files)
    texts.update(more)
    assert list(texts.items()) == sorted({**files, **more}.items())


@given(files=st.dictionaries(TEXT, TEXT, min_size=1), missing=TEXT)
def test_what_was_taken_out_or_never_in_is_not_there(files: dict[str, str], missing: str) -> None:
    texts, path = Texts(files), min(files)
    del texts[path]
    assert path not in texts
    assert texts == {name: text for name, text in files.items() if name != path}
    assert (missing in texts) == (missing in set(files) - {path})
