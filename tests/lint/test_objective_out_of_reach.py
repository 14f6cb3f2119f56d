"""objective-out-of-reach: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.objective_out_of_reach import NAME

TIERS = guardrail('tiers=[Warning(Above("5%"))]')


def slo(objective: str) -> str:
    return f'slos=[Slo("good", ERRORS, objective="{objective}", runbook=RUNBOOK)]'


def test_a_budget_that_cannot_burn_fast_enough_is_found() -> None:
    assert found(NAME, slo("90%"), TIERS) == [
        (
            f"{slo('90%')},",
            (
                "error: 'good' has an error budget of 10 %, whose burn rate never reaches 14.4; "
                "write an objective like 99% or 99.9%"
            ),
        )
    ]


def test_so_is_one_that_is_none() -> None:
    assert [what for _, what in found(NAME, slo("100%"), TIERS)] == [
        "error: 'good' has no error budget, so that one error is an alert; write an objective like 99% or 99.9%"
    ]


def test_an_ordinary_objective_is_fine() -> None:
    assert found(NAME, slo("99.99%"), TIERS) == []
