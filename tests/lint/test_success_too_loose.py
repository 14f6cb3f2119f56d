"""success-too-loose: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.success_too_loose import NAME


def test_a_gate_must_not_pass_what_would_be_rolled_back() -> None:
    facts = guardrail('success=Below("6%")', 'tiers=[Warning(Above("1%")), Critical(Above("5%"))]')
    assert found(NAME, "stages=STAGES", "arms=ARMS", facts) == [
        (
            'success=Below("6%"),',
            (
                "error: 'errors' would pass a gate while its critical tier fires, in every stage; "
                "make success= at least as strict as the critical tier"
            ),
        )
    ]


def test_the_stages_in_which_it_would_are_named() -> None:
    facts = guardrail(
        'success=Below("1%")', 'tiers=[Critical(Above({"10%": "1%", "50%": "0.5%", "100%": "0.1%"}))]'
    )
    assert ["in stage '50%' and stage '100%'" in what for _, what in found(NAME, "stages=STAGES", facts)] == [
        True
    ]


@pytest.mark.parametrize(
    ("measure", "facts"),
    [
        ("ERRORS", 'success=Below("5%"), tiers=[Warning(Above("1%")), Critical(Above("5%"))]'),
        ("ERRORS", 'success=Above("99%"), tiers=[Critical(Below("95%"))]'),
        ("ERRORS", 'against=Ago("7d"), success=Rise("10%"), tiers=[Critical(Rise("20%"))]'),
        ('Increase("x_total")', "success=Below(1), tiers=[Critical(Above(0))]"),
        ('Count("up", where="== 0")', "success=Below(1), tiers=[Critical(Above(0))]"),
        ("ERRORS", 'success=Below("50%"), tiers=[Warning(Above("1%"))]'),
    ],
)
def test_a_gate_as_strict_as_the_tiers_is_fine(measure: str, facts: str) -> None:
    assert found(NAME, "stages=STAGES", "arms=ARMS", guardrail(facts, measure=measure)) == []


@pytest.mark.parametrize(
    "facts",
    [
        'success=Above("90%"), tiers=[Critical(Below("95%"))]',
        'against=Ago("7d"), success=Rise("30%"), tiers=[Critical(Rise("20%"))]',
    ],
)
def test_whichever_way_the_limits_point(facts: str) -> None:
    assert len(found(NAME, "stages=STAGES", "arms=ARMS", guardrail(facts))) == 1
