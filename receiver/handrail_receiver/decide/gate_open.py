"""An alert that sees the gate ahead open + history → whether the receiver is to judge that gate by itself; pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from handrail.contract import Playbook, names

from handrail_receiver.attempt_states.state_machine import may
from handrail_receiver.attempt_states.states import state_of
from handrail_receiver.model import Decision, History, Once, Signal, Verdict

GATE_OPEN = "gate-open"
"""The reason of what is decided on an alert that asks to go on."""
OLD = timedelta(seconds=5)
"""By how much the clock of who sends an alert may be behind ours."""


def asks_to_go_on(signal: Signal, playbook: Playbook, history: History) -> Decision:
    """The rules see the gate open: the receiver judges it by itself, where the stage goes on automatically."""
    attempt = history.attempt
    known = Decision(
        Verdict.repeat,
        GATE_OPEN,
        "the rules see the gate ahead open; the receiver judges it",
        rollout=playbook.rollout,
        action=names.PROMOTE,
        guardrail=names.GATE,
        tier=names.PROMOTE,
        attempt=attempt.id if attempt else 0,
    )
    if not signal.firing or attempt is None or not may(state_of(history), names.PROMOTE, "alert"):
        text = f"attempt {attempt.number} is {state_of(history)}" if attempt else "no attempt was started"
        return replace(known, reason="not-now", text=text)
    if signal.starts_at is not None and signal.starts_at < attempt.stage_entered_at - OLD:
        text = f"it began before stage {attempt.stage} was entered: it is about the previous gate"
        return replace(known, reason="not-now", text=text)
    name = f"gate open: {attempt.stage}"
    stage = next((one for one in playbook.stages if one.name == attempt.stage), None)
    if stage is None or stage.advance != "when-met":
        return replace(known, reason="by-hand", text=f"a person promotes from stage {attempt.stage}")
    if name in history.once:
        return known
    return replace(known, verdict=Verdict.note, changes=(Once(name),))
