"""A rollout without stages, rehearsed → its one attempt; or what people are told, once for each reason. Pure."""

from __future__ import annotations

from dataclasses import replace

from handrail.contract import Playbook

from handrail_receiver.attempt_states.state_machine import may
from handrail_receiver.attempt_states.states import state_of
from handrail_receiver.model import HANDRAIL, Conditions, Decision, History, LastTold, SetHold, Verdict
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.call_decision import decide_call

ALWAYS = "it has no stages and is always guarded"
FOLLOWS = Call("adopt", HANDRAIL, ALWAYS, itself=True)
BY_ITSELF = Call("start", HANDRAIL, ALWAYS, itself=True)


def begin_guarding(
    call: Call, playbook: Playbook, history: History, now: Conditions, told: LastTold | None
) -> Decision:
    """Begin, or say why not; nothing new where people were `told` it already."""
    made = decide_call(call, playbook, history, now)
    if made.verdict != Verdict.refuse:
        return made
    if history.attempt is not None or (told is not None and set(told.causes) == set(call.causes)):
        return replace(made, verdict=Verdict.repeat)
    reasons = "; ".join((*call.no_way_back, *call.not_ready))
    cure = f'fix it, or say `handrail rollout start {playbook.rollout} --anyway --why "…"`'
    action = playbook.action("rollback")
    return replace(
        made,
        verdict=Verdict.tell,
        text=f"it is not guarded: {reasons}; {cure}",
        tell=action.tell if action else (),
        known={"causes": sorted(set(call.causes))},
    )


def follow_newest(
    call: Call, newest: Playbook, history: History, now: Conditions, told: LastTold | None
) -> Decision:
    """Let the one attempt go by the newest playbook, or say once for each reason why it follows the one before."""
    made = decide_call(call, newest, history, now)
    if made.verdict != Verdict.refuse:
        return made
    if told is not None and set(told.causes) == set(call.causes):
        return replace(made, verdict=Verdict.repeat)
    reasons = "; ".join(call.no_way_back) or made.text
    cure = f'fix it, or say `handrail rollout adopt {newest.rollout} --anyway --why "…"`'
    action = newest.action("rollback")
    return replace(
        made,
        verdict=Verdict.tell,
        text=f"it follows the playbook of its start, not the newest: {reasons}; {cure}",
        tell=action.tell if action else (),
        known={"causes": sorted(set(call.causes))},
    )


def playbook_gone(playbook: Playbook, history: History) -> Decision:
    """An attempt goes on without a file: people are told, and nothing is promoted until they have looked."""
    attempt = history.attempt
    cure = f"generate it again, or `handrail rollout abandon {playbook.rollout}`"
    text = f"its playbook is gone from the folder; the attempt goes on by its own copy: {cure}"
    action = playbook.action("hold")
    known = Decision(
        Verdict.repeat,
        "playbook-gone",
        text,
        rollout=playbook.rollout,
        action="hold",
        by=HANDRAIL,
        attempt=attempt.id if attempt else 0,
    )
    if attempt is None or not may(state_of(history), "hold", "receiver") or attempt.held_for(text):
        return known
    hold = SetHold(attempt.held_as_well(text))
    return replace(known, verdict=Verdict.tell, changes=(hold,), tell=action.tell if action else ())
