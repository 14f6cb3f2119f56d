"""stage-unguarded: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.stage_unguarded import NAME

REST = ("stages=STAGES", "arms=ARMS", "rollback=UNDO")
RISE = 'RisePoints("1%")'


def test_a_guardrail_that_falls_silent_when_the_canary_has_all_traffic_is_found() -> None:
    facts = guardrail("against=StableArm()", f"tiers=[Warning({RISE})]")
    what = (
        "'errors' has no limit in stage '100%', where the canary has all traffic and there is no stable arm"
    )
    assert found(NAME, *REST, facts) == [
        ("Guardrail(", f"warning: {what}; add a tier with a fixed limit"),
    ]


@pytest.mark.parametrize(
    "facts",
    [
        ("against=StableArm()", f'tiers=[Warning({RISE}), Critical(Above("5%"))]'),
        ("against=StableArm()", f'tiers=[Warning({RISE}, or_=[On("more", ERRORS, Above("5%"))])]'),
        ("against=StableArm()", 'tiers=[Warning(RisePoints({"10%": "1%", "50%": "1%"}))]'),
        ("against=BeforeRollout()", f"tiers=[Warning({RISE})]"),
        ('tiers=[Warning(Above({"10%": "1%"}))]',),
    ],
    ids=["another tier", "another reason", "said so", "a captured figure", "no reference"],
)
def test_what_is_guarded_there_or_says_that_it_is_not_is_fine(facts: tuple[str, ...]) -> None:
    assert found(NAME, *REST, guardrail(*facts)) == []
