"""pattern-as-text: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.pattern_as_text import NAME

TIERS = 'tiers=[Warning(Above("5%"))]'


def said(matcher: str) -> list[str]:
    measure = f"Ratio(bad='x_total{{{matcher}}}', of='x_total')"
    return [what for _, what in found(NAME, guardrail(TIERS, measure=measure))]


@pytest.mark.parametrize(("op", "right"), [("=", "=~"), ("!=", "!~")])
@pytest.mark.parametrize("value", ["5..", "[45]..", "[4-5].*", "/api/.*", "a.+", "^5", "x$"])
def test_a_pattern_that_is_compared_as_a_text_is_found(op: str, right: str, value: str) -> None:
    what = f"'errors' matches 'code' with the text {value}, which looks like a pattern"
    assert said(f'code{op}"{value}"') == [f'error: {what}; write code{right}"{value}"']


@pytest.mark.parametrize(
    "value", ["500", "v1.2.3", "example.com", "/files/[id]", "a|b", "C++", "$", "*", "..."]
)
def test_a_text_is_fine(value: str) -> None:
    assert said(f'code="{value}"') == []


def test_so_is_a_pattern_that_is_matched_as_one() -> None:
    assert said('code=~"5.."') == []


def test_an_arm_is_a_text() -> None:
    arms = 'arms=Arms("version", canary="v2.*", stable="v1.4")'
    assert found(NAME, arms, guardrail(TIERS)) == [
        (
            f"{arms},",
            "error: arm canary is the text v2.*, which looks like a pattern; write the value that the label has",
        )
    ]
