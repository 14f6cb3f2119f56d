"""limit-unfit: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.limit_unfit import NAME

STATE = 'State("breaker")'


@pytest.mark.parametrize(
    ("measure", "facts", "what"),
    [
        (
            "ERRORS",
            'tiers=[Warning(Is("open"))]',
            "judges Ratio by Is, which does not fit; Is and Changed judge a State, the others a number",
        ),
        (
            "ERRORS",
            'tiers=[Warning(Above({"10%": None}))]',
            "has a limit in no stage; give a stage its figure",
        ),
        (
            STATE,
            "tiers=[Warning(Above(1))]",
            "judges State by Above, which does not fit; Is and Changed judge a State, the others a number",
        ),
        (
            'Absence("up")',
            'against=Ago("1h"), tiers=[Warning(Rise("10%"))]',
            "judges Absence by Rise, and what is absent does not rise; write Above(0)",
        ),
        (
            'TimeUntil("end")',
            'against=Ago("1h"), tiers=[Warning(Drop("10%"))]',
            "judges TimeUntil by Drop, and it drops all the time by itself; write Below(…) or AtMost(…)",
        ),
        (
            'Difference("a", minus="b")',
            'against=Ago("1h"), tiers=[Warning(Rise("10%"))]',
            "judges Difference by Rise, a share of a figure that may be less than 0; write RisePoints(…)",
        ),
        (
            'While(Forecast("free"), condition=Gauge("work"))',
            'against=Ago("1h"), tiers=[Warning(Drop("10%"))]',
            "judges While by Drop, a share of a figure that may be less than 0; write DropPoints(…)",
        ),
        (
            'Gauge("celsius")',
            'against=Fixed("-10"), tiers=[Warning(Rise("10%"))]',
            "judges by Rise, a share of the reference, beside -10; write RisePoints(…), or a fixed limit",
        ),
        (
            'Gauge("celsius")',
            'against=Fixed(0), success=Not(Drop("10%"))',
            "judges by Drop, a share of the reference, beside 0; write DropPoints(…), or a fixed limit",
        ),
        (
            'Gauge("users")',
            'against=Ago("1h"), tiers=[Warning(Drop("10%", least=0))]',
            (
                "has least=0, and no share of such a reference is a drop; "
                "write a least= above 0, or none: then a reference of 0 is blind"
            ),
        ),
        (
            'Gauge("celsius")',
            'against=Ago("1h"), tiers=[Warning(Rise("10%", floor="-5"))]',
            "has floor=-5, and no rise from 0 or more ends below it; write a floor= of at least 0, or none",
        ),
        (
            "ERRORS",
            'tiers=[Warning(Above("1%"), or_=[On("door", State("door"), Changed("5m"))])]',
            "asks for a change of a second state; give that state a guardrail of its own",
        ),
        (
            STATE,
            'tiers=[Warning(Is("open"))], success=Changed("5m")',
            "makes a change its criterion, and a stage would pass only if it changed; write Is(…)",
        ),
        (
            STATE,
            'tiers=[Warning(Changed("5m")), Critical(Changed("10m"))]',
            "asks for changes within 5m and within 10m; use one window",
        ),
    ],
)
def test_a_limit_that_cannot_judge_its_measure_is_refused(measure: str, facts: str, what: str) -> None:
    assert [said for _, said in found(NAME, guardrail(facts, measure=measure))] == [f"fatal: 'errors' {what}"]


def test_a_state_may_be_judged_by_what_it_is_and_by_its_changes() -> None:
    facts = 'tiers=[Warning(Changed("5m")), Critical(Is("open"))], success=Is("closed")'
    assert found(NAME, guardrail(facts, measure=STATE)) == []


def test_what_is_never_less_than_nothing_may_rise_by_a_share_and_the_rest_by_points() -> None:
    for measure, limit in (
        ('Difference("a", minus="b", absolute=True)', 'Rise("10%", floor=1)'),
        ('Difference("a", minus="b")', "RisePoints(3)"),
        ('Age("stamp")', 'Rise("10%")'),
    ):
        assert found(NAME, guardrail(f'against=Ago("1h"), tiers=[Warning({limit})]', measure=measure)) == []
