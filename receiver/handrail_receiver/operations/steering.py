"""What a person says of an attempt that asks nothing of a target: hold, resume, abandon. Pure."""

from __future__ import annotations

from dataclasses import replace

from handrail_receiver.model import Attempt, AttemptState, Decision, EndAll, SetHold, SetState, Verdict
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.objections import refusal


def steer(known: Decision, call: Call, attempt: Attempt) -> Decision:
    """Nothing is promoted any more, or may be again."""
    if call.verb == "hold":
        why = f"{call.by}: {call.why}" if call.why else f"held by {call.by}"
        return replace(
            known,
            verdict=Verdict.hold,
            reason="asked-for",
            text=why,
            changes=(SetHold(attempt.held_as_well(why)),),
        )
    text = f"promotions are allowed again; it was held: {attempt.held}" if attempt.held else "it was not held"
    return replace(known, verdict=Verdict.act, reason="asked-for", text=text, changes=(SetHold(""),))


def abandon(known: Decision, call: Call, attempt: Attempt) -> Decision:
    if not call.why:
        return refusal(known, "no-reason", "say why with --why; nothing is asked of any target")
    text = f"attempt {attempt.number} is closed ({call.by}: {call.why}); the targets are left as they are"
    changes = (EndAll(), SetState(AttemptState.abandoned))
    return replace(known, verdict=Verdict.act, reason="abandoned", text=text, changes=changes)
