"""pattern-too-narrow: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.pattern_too_narrow import NAME

TIERS = 'tiers=[Warning(Above("5%"))]'


def said(matcher: str) -> list[str]:
    measure = f"Ratio(bad='x_total{{{matcher}}}', of='x_total')"
    return [what for _, what in found(NAME, guardrail(TIERS, measure=measure))]


@pytest.mark.parametrize(
    ("value", "right"),
    [("^5", "5.."), ("5*", "5.."), ("[45].", "[45].."), ("5[0-9]", "5.."), ("5.|4.", "5..")],
)
@pytest.mark.parametrize("label", ["code", "status", "status_code", "http_status"])
def test_a_pattern_that_no_status_matches_is_found(label: str, value: str, right: str) -> None:
    what = f"matches '{label}' with the pattern {value}, which matches no HTTP status as a whole"
    assert said(f'{label}=~"{value}"') == [f"error: 'errors' {what}; write \"{right}\""]


@pytest.mark.parametrize(("value", "right"), [("/api/*", "/.*"), ("web-*", "-.*"), ("a|/pay/*|b", "/.*")])
@pytest.mark.parametrize("op", ["=~", "!~"])
def test_a_star_as_a_shell_has_it_is_found(op: str, value: str, right: str) -> None:
    what = f"matches 'path' with the pattern {value}, in which * repeats the character before it"
    assert said(f'path{op}"{value}"') == [f"error: 'errors' {what}; write \"{right}\" for what begins so"]


@pytest.mark.parametrize(
    "matcher",
    [
        'code=~"5.."',
        'code=~"[45].."',
        'code=~"5[0-9]{2}"',
        'code=~"50[234]"',
        'code=~"^5..$"',
        'code=~"5.*"',
        'code=~"5xx"',
        'code=~"13|14"',
        'code=~"^(13|14)$"',
        'code=~"Internal|Unknown"',
        'path=~"/api/.*"',
        'path=~"/[a-z]*"',
        'path=~"/(a|b)*"',
        'path="/api/*"',
    ],
)
def test_a_pattern_of_the_whole_value_is_fine(matcher: str) -> None:
    assert said(matcher) == []
