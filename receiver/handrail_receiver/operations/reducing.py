"""A person asks for less than a rollback: the canary's share is reduced, or its stage is entered once more. Pure.

Whoever reduces it holds it: what a smaller share shows says nothing about the stage, and nothing is promoted by it. The
stage counts from its beginning once it is entered again.
"""

from __future__ import annotations

from dataclasses import replace

from handrail.contract import Playbook, names

from handrail_receiver.gates.gate import next_gate
from handrail_receiver.model import (
    Attempt,
    Conditions,
    Decision,
    History,
    Open,
    SetHold,
    Verdict,
    held_for_both,
)
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.objections import guard_is_off, not_ready, overridden, refusal
from handrail_receiver.words.reduced import share_of, ways_on
from handrail_receiver.words.whose import fire

REDUCED = "reduced by "


def reduce_share(
    known: Decision, call: Call, playbook: Playbook, history: History, attempt: Attempt, now: Conditions
) -> Decision:
    """The canary gets the declared smaller share, and nothing is promoted."""
    action = playbook.action(names.REDUCE)
    if action is None:
        text = "the playbook has no reduced share; declare reduced= and generate, or roll back"
        return refusal(known, "no-steps", text)
    if not call.why:
        return refusal(known, "no-reason", "say why with --why: the rollout is held for it")
    why = f"{REDUCED}{call.by}: {call.why}"
    run = Open(
        names.REDUCE,
        attempt.stage,
        history.next_round(names.REDUCE, attempt.stage),
        action.steps,
        None,
        now.now,
    )
    ways = ways_on(playbook.rollout, attempt.stage)
    text = f"{share_of(playbook)} instead of stage {attempt.stage} ({call.by}: {call.why}); {ways}"
    return replace(
        known,
        verdict=Verdict.act,
        reason="asked-for",
        text=text,
        changes=(SetHold(held_for_both(_held_beside(attempt, playbook.rollout), f"{why}; {ways}")), run),
    )


def _held_beside(attempt: Attempt, rollout: str) -> str:
    """What it is held for beside its smaller share: whoever asked for that may not be ready."""
    held, ways = attempt.held, ways_on(rollout, attempt.stage)
    while ways in held:
        before, _, after = held.partition(ways)
        others = before.rpartition(REDUCED)[0].removesuffix("; "), after.removeprefix("; ")
        held = "; ".join(filter(None, others))
    return held


def stays_reduced(known: Decision, playbook: Playbook, attempt: Attempt) -> Decision:
    """The refusal to go on as if nothing had been reduced."""
    return refusal(
        known, "reduced", f"it has {share_of(playbook)}; {ways_on(playbook.rollout, attempt.stage)}"
    )


def enter_again(
    known: Decision, call: Call, playbook: Playbook, history: History, attempt: Attempt, now: Conditions
) -> Decision:
    """The stage that was reduced is entered once more, and counts from its beginning."""
    stage = next((one for one in playbook.stages if one.name == attempt.stage), None)
    if stage is None:
        return refusal(known, "no-stage", f"the playbook has no stage {attempt.stage} any more; roll back")
    if call.to and call.to != stage.name:
        return refusal(known, "other-stage", f"you meant {call.to}, and what was reduced is {stage.name}")
    at = next_gate(playbook, history, call.gate_inputs, now.now)
    firing = (fire(at.firing),) if at is not None and at.firing else ()
    beside = _held_beside(attempt, playbook.rollout)
    held = () if not beside or any(run.broken == beside for run in history.runs) else (f"held: {beside}",)
    reasons = (*call.no_way_back, *call.not_ready, *held, *firing, *guard_is_off(now))
    refused = not_ready(known, call, reasons)
    if refused is not None:
        return refused
    run = Open("promote", stage.name, history.next_round("promote", stage.name), stage.enter, None, now.now)
    text = f"attempt {attempt.number}: entering {stage.name} once more{overridden(call, reasons)}"
    return replace(known, verdict=Verdict.act, reason="tried-again", text=text, changes=(SetHold(""), run))
