"""limit-turned: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.limit_turned import NAME

GOOD = "Ratio(good='x_total{code=~\"2..\"}', of='x_total')"
SLOW = 'SlowerThan("request_seconds", "1s")'


def test_a_tier_that_finds_what_is_good_is_found() -> None:
    tiers = """
        tiers=[
            Critical(Below("5%"), action="rollback"),
        ]
    """
    what = "'errors' finds what is good: Below(\"5%\"), and of bad= more is worse; write Above(…)"
    assert found(NAME, guardrail(tiers)) == [('Critical(Below("5%"), action="rollback"),', f"error: {what}")]


@pytest.mark.parametrize(
    ("measure", "limit", "right"),
    [
        ("ERRORS", 'AtMost("5%")', "of bad= more is worse; write AtLeast(…)"),
        ("ERRORS", 'Drop("20%")', "of bad= more is worse; write Rise(…)"),
        (GOOD, 'RisePoints("1%")', "of good= less is worse; write DropPoints(…)"),
        (GOOD, 'Above("99%")', "of good= less is worse; write Below(…)"),
        (SLOW, 'Below("5%")', "of slow ones more is worse; write Above(…)"),
        (
            f'While({SLOW}, condition=Rate("x_total"))',
            'Below("5%")',
            "of slow ones more is worse; write Above(…)",
        ),
    ],
)
def test_so_is_one_of_every_share_whose_words_say_what_is_worse(measure: str, limit: str, right: str) -> None:
    facts = guardrail(f'against=Ago("7d"), tiers=[Warning({limit})]', measure=measure)
    assert [said for _, said in found(NAME, facts)] == [
        f"error: 'errors' finds what is good: {limit}, and {right}"
    ]


def test_a_criterion_that_asks_for_what_is_bad_is_found() -> None:
    facts = guardrail('tiers=[Warning(Above("5%"))], success=Above("1%")')
    what = "'errors' asks for what is bad: Above(\"1%\"), and of bad= more is worse; write Below(…)"
    assert [said for _, said in found(NAME, facts)] == [f"error: {what}"]


@pytest.mark.parametrize(
    ("measure", "tier", "success"),
    [
        ("ERRORS", 'Above("5%")', 'Below("1%")'),
        ("ERRORS", 'Rise("5%")', 'Not(RisePoints("1%"))'),
        (GOOD, 'Below("95%")', 'Above("99%")'),
        (GOOD, 'Drop("5%")', 'OverStage(AtLeast("99%"))'),
        (SLOW, 'Above("5%")', 'AtMost("1%")'),
        ("TIME", 'Below("10ms")', 'Above("20ms")'),
    ],
)
def test_what_points_to_the_bad_side_is_fine(measure: str, tier: str, success: str) -> None:
    facts = guardrail(f'against=Ago("7d"), tiers=[Warning({tier})], success={success}', measure=measure)
    assert found(NAME, facts) == []
