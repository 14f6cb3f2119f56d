"""missing-runbook: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.missing_runbook import NAME


def test_whoever_is_woken_needs_a_page() -> None:
    facts = 'guardrails=[Guardrail("errors", ERRORS, tiers=[Warning(Above("5%"))])]'
    assert found(NAME, facts) == [
        (
            f"{facts},",
            (
                "error: 'errors' wakes people and has no runbook; "
                'add runbook=Runbook("what it means for users", look=[…], fix=[…])'
            ),
        )
    ]


def test_a_page_that_says_nothing_to_do_is_worth_a_warning() -> None:
    facts = 'guardrails=[Guardrail("errors", ERRORS, tiers=[Warning(Above("5%"))], runbook=Runbook("Bad."))]'
    assert [what for _, what in found(NAME, facts)] == [
        (
            "warning: 'errors' has a runbook that neither says where to look nor how to fix; "
            "add look=[…] and fix=[…]"
        )
    ]


def test_an_objective_wakes_people_too() -> None:
    slos = 'slos=[Slo("good", ERRORS, objective="99%")]'
    assert len(found(NAME, slos, guardrail('tiers=[Warning(Above("5%"))]'))) == 1


def test_a_runbook_or_nobody_woken_is_fine() -> None:
    quiet = 'guardrails=[Guardrail("errors", ERRORS, success=Below("1%"))]'
    assert found(NAME, quiet) == found(NAME, guardrail('tiers=[Warning(Above("5%"))]')) == []
