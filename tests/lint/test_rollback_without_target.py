"""rollback-without-target: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.rollback_without_target import NAME

TIERS = """
    tiers=[
        Critical(
            Above("5%"),
            action="rollback",
        ),
    ]
"""


def test_a_rollback_needs_steps() -> None:
    assert found(NAME, guardrail(TIERS)) == [
        (
            'action="rollback",',
            (
                "error: 'errors' asks for rollback, and the rollout has no step for it; "
                "add split= or rollback= to the rollout"
            ),
        )
    ]


def test_an_emptied_list_of_steps_is_none() -> None:
    facts = guardrail('tiers=[Emergency(Above("5%"), action="emergency-rollback")]')
    assert len(found(NAME, "rollback=UNDO", "emergency=[]", facts)) == 1


def test_alerts_do_not_promote() -> None:
    assert [what for _, what in found(NAME, guardrail('tiers=[Warning(Above("5%"), action="promote")]'))] == [
        "error: 'errors' asks an alert to promote; use action=\"investigate\"; gates decide about promotion"
    ]


@pytest.mark.parametrize("steps", ["rollback=UNDO", 'split=HAProxySplit("web", sockets=["unix:/s"])'])
def test_a_rollback_with_steps_is_fine(steps: str) -> None:
    assert found(NAME, steps, guardrail(TIERS)) == []
