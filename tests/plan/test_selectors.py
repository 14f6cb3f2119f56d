"""Matchers that contradict each other: no series fits both."""

from __future__ import annotations

import re

import pytest
from handrail.plan.selectors import Selector
from hypothesis import given
from hypothesis import strategies as st

PATTERNS = st.lists(
    st.sampled_from(["a", "b", "ab", "-", "[ab]", ".", "(b|-)"]).flatmap(
        lambda part: st.sampled_from(["", "*", "?", "+", "|"]).map(lambda more: part + more)
    ),
    min_size=1,
    max_size=4,
).map(lambda parts: "".join(parts).rstrip("|"))


@pytest.mark.parametrize(
    ("first", "second", "contradict"),
    [
        (("=", "shop"), ("=", "search"), True),
        (("=", "shop"), ("=~", "sh.*"), False),
        (("=", "shop"), ("!~", "sh.*"), True),
        (("=~", "shop-.*"), ("=~", "search-.*"), True),
        (("=~", "shop-.*"), ("=~", "shop(-.+)?"), False),
        (("=~", "a|b"), ("=~", "c|d"), True),
        (("=~", "a|b"), ("=~", "c|ba"), False),
        (("=~", ".*-a"), ("=~", "b-.*"), False),
    ],
)
def test_two_matchers_of_one_label_contradict_each_other_or_may_both_match(
    first: tuple[str, str], second: tuple[str, str], contradict: bool
) -> None:
    for one, other in ((first, second), (second, first)):
        found = Selector("up", (("job", *one), ("job", *other))).contradiction
        assert found == ("job" if contradict else None)


@given(PATTERNS, PATTERNS, st.data())
def test_two_patterns_that_contradict_each_other_match_no_value_together(
    pattern: str, other: str, data: st.DataObject
) -> None:
    value = data.draw(st.from_regex(pattern, fullmatch=True))
    if Selector("up", (("job", "=~", pattern), ("job", "=~", other))).contradiction is not None:
        assert re.fullmatch(other, value) is None
