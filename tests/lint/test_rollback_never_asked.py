"""rollback-never-asked: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.rollback_never_asked import NAME

LOOKS = guardrail('tiers=[Critical(Above("5%"))]')


@pytest.mark.parametrize("steps", ["rollback=UNDO", 'split=HAProxySplit("web", sockets=["unix:/s"])'])
def test_steps_that_no_alert_asks_for_are_found(steps: str) -> None:
    what = "has steps for a rollback, and no alert asks for one"
    cure = 'write action="rollback" on the tiers that shall, or accept that people alone roll back'
    assert found(NAME, "stages=STAGES", steps, LOOKS) == [(f"{steps},", f"warning: {what}; {cure}")]


@pytest.mark.parametrize("action", ["rollback", "emergency-rollback", "security-rollback", "hold"])
def test_a_tier_that_asks_is_enough(action: str) -> None:
    asks = guardrail(f'tiers=[Warning(Above("1%")), Critical(Above("5%"), action="{action}")]')
    assert found(NAME, "stages=STAGES", "rollback=UNDO", asks) == []


def test_what_has_no_stages_or_no_steps_is_fine() -> None:
    assert found(NAME, "rollback=UNDO", LOOKS) == []
    assert found(NAME, "stages=STAGES", LOOKS) == []
    accepted = 'accept={"rollback-never-asked": "people decide"}'
    assert found(NAME, "stages=STAGES", "rollback=UNDO", LOOKS, accepted) == []
