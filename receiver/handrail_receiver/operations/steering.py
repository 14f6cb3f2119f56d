"""What a person says of an attempt that asks nothing of a target: hold, resume, abandon, close its incident. Pure."""

from __future__ import annotations

from dataclasses import replace

from handrail.contract import names

from handrail_receiver.model import (
    CLOSED,
    Attempt,
    AttemptState,
    Decision,
    EndAll,
    History,
    Once,
    SetHold,
    SetState,
    Verdict,
)
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.objections import refusal


def steer(known: Decision, call: Call, attempt: Attempt) -> Decision:
    """Nothing is promoted any more, or may be again."""
    if call.verb == "hold":
        why = f"{call.by}: {call.why}" if call.why else f"held by {call.by}"
        return replace(known, verdict=Verdict.hold, reason="asked-for", text=why, changes=(SetHold(why),))
    text = f"promotions may go on; it was held: {attempt.held}" if attempt.held else "it was not held"
    return replace(known, verdict=Verdict.act, reason="asked-for", text=text, changes=(SetHold(""),))


def abandon(known: Decision, call: Call, attempt: Attempt) -> Decision:
    if not call.why:
        return refusal(known, "no-reason", "say why with --why; nothing is asked of any target")
    text = f"attempt {attempt.number} is closed ({call.by}: {call.why}); the targets are left as they are"
    changes = (EndAll(), SetState(AttemptState.abandoned))
    return replace(known, verdict=Verdict.act, reason="abandoned", text=text, changes=changes)


def close(known: Decision, call: Call, history: History, attempt: Attempt) -> Decision:
    """A person says that the incident of a security rollback is over: a new attempt may begin."""
    if not history.incidents:
        text = f"no incident is open: attempt {attempt.number} was not rolled back for security"
        return refusal(
            known, "no-incident", f"{text}; `handrail rollout start {known.rollout}` begins the next"
        )
    if not call.why:
        return refusal(known, "no-reason", "say why with --why: what was found, and why it is over")
    changes = tuple(Once(CLOSED, one) for one in history.incidents)
    text = f"{call.by} closed the incident: {call.why}; a new attempt may begin"
    return replace(known, verdict=Verdict.act, reason="closed", text=text, changes=changes)


def incident(history: History, rollout: str) -> str:
    """Why no attempt begins after a security rollback, whatever is said with the call."""
    runs = [run for run in history.runs if run.action == names.ACTING[-1]]
    why = f" ({runs[-1].reason})" if runs else ""
    cure = f'`handrail rollout close {rollout} --why "…"` once it is over'
    return f"it was rolled back for security{why}, and that incident is open; {cure}"
