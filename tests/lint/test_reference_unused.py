"""reference-unused: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.reference_unused import NAME

CURE = "write Rise(…), RisePoints(…), Drop(…) or DropPoints(…), or remove against="


def test_a_reference_that_no_limit_is_relative_to_is_found() -> None:
    facts = guardrail("against=StableArm()", 'tiers=[Warning(Above("5%"))]', 'success=Below("1%")')
    what = "'errors' has StableArm in against=, and no limit that is relative to it"
    assert found(NAME, "arms=ARMS", facts) == [("against=StableArm(),", f"warning: {what}; {CURE}")]


def test_a_further_measure_has_its_own() -> None:
    tiers = """
        tiers=[
            Warning(
                Rise("5%", floor="1%"),
                or_=[
                    On("more", TIME, Above("500ms"), against=Ago("7d")),
                ],
            ),
        ]
    """
    what = "'errors' has Ago in against=, and no limit that is relative to it"
    assert found(NAME, guardrail('against=Ago("1d")', tiers)) == [
        ('On("more", TIME, Above("500ms"), against=Ago("7d")),', f"warning: {what}; {CURE}")
    ]


def test_one_relative_limit_or_criterion_is_enough() -> None:
    for limits in ('tiers=[Warning(Above("5%")), Critical(Rise("50%"))]', 'success=Not(Rise("5%"))'):
        assert found(NAME, guardrail('against=Ago("7d")', limits)) == []
    assert found(NAME, guardrail('tiers=[Warning(Above("5%"))]')) == []
