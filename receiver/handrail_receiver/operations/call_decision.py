"""What a person asks for + Playbook + History + Conditions → Decision with its reason; pure.

`anyway` overrides what is only "not ready" and needs a reason in words; it never overrides what cannot be, nor past
an approval that somebody else has to give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from handrail.contract import GivenArms, OpenArms, Playbook, StageFacts, Step, names, on_each_node

from handrail_receiver.attempt_states.state_machine import TERMINAL, event_of, may
from handrail_receiver.attempt_states.state_machine import refused as refused_at
from handrail_receiver.attempt_states.states import State, state_of
from handrail_receiver.gates.approvals import approve, check, no_gate
from handrail_receiver.gates.gate import next_gate, still_bakes
from handrail_receiver.model import (
    BROKEN,
    FINISHED,
    NEVER_BEGUN,
    WORKED,
    Adopt,
    Attempt,
    AttemptState,
    Begin,
    Capture,
    Change,
    Conditions,
    Decision,
    History,
    Once,
    Open,
    Run,
    RunState,
    SetHold,
    SetReady,
    SetState,
    Verdict,
    in_force,
    with_versions_of,
)
from handrail_receiver.operations.call import Call, stands
from handrail_receiver.operations.given_versions import GIVING, not_given
from handrail_receiver.operations.incident_calls import INCIDENT_CALLS, forbids_start, of_incident
from handrail_receiver.operations.objections import (
    gate_ahead,
    gate_facts,
    guard_is_off,
    not_ready,
    overridden,
    refusal,
    through,
)
from handrail_receiver.operations.playbook_diff import changes_between, pinned_anew
from handrail_receiver.operations.reducing import enter_again, reduce_share, stays_reduced
from handrail_receiver.operations.steering import abandon, steer
from handrail_receiver.operations.still_firing import still_firing
from handrail_receiver.words.arms import versions_in_words
from handrail_receiver.words.reduced import share_of
from handrail_receiver.words.steps import an
from handrail_receiver.words.times import when

JUST_ENTERED = timedelta(minutes=1)
"""How long after a promotion the next one must name the stage it means."""

UNNAMED = "name-the-stage"
BY_PEOPLE = names.ACTING[:2]
"""The rollbacks that a person may ask for."""


def decide_call(call: Call, newest: Playbook, history: History, now: Conditions) -> Decision:
    """What follows from a call. A live attempt follows its own playbook, whatever is the `newest`."""
    attempt = history.attempt
    playbook = in_force(attempt, newest)
    known = Decision(
        Verdict.refuse,
        "",
        "",
        rollout=playbook.rollout,
        action=call.verb,
        by=call.by,
        attempt=attempt.id if attempt else 0,
    )
    if history.unreadable:
        return _unreadable(known, call, newest, history, now)
    wrong = not_given(call, playbook, attempt) if call.verb in GIVING else ""
    if wrong:
        return refusal(known, "versions", wrong)
    state = state_of(history)
    if not may(state, event_of(call.verb), call.who):
        return refusal(known, *refused_at(state, call.verb, attempt, playbook.rollout))
    if call.verb in INCIDENT_CALLS:
        return of_incident(known, call, playbook, history, now)
    match call.verb:
        case "start" if state != State.held:
            return _start(known, call, playbook, history, now)
        case "rollback" | "emergency-rollback":
            return _rollback(known, call, playbook, history, now)
        case "check" | "approve":
            return _at_gate(known, call, playbook, history, now)
        case _ if attempt is None:  # the table has no other event without one
            return refusal(known, *refused_at(state, call.verb, attempt, playbook.rollout))
        case "adopt":
            return _adopt(known, call, newest, attempt)
        case "abandon":
            return abandon(known, call, attempt)
        case "reduce":
            return reduce_share(known, call, playbook, history, attempt, now)
        case "resume" if history.reduced is not None:
            return stays_reduced(known, playbook, attempt)
        case "hold" | "resume":
            return steer(known, call, attempt)
        case _:
            return _forward(known, call, playbook, history, attempt, now)


def _forward(
    known: Decision, call: Call, playbook: Playbook, history: History, attempt: Attempt, now: Conditions
) -> Decision:
    """What gives the canary more in an attempt that is under way, or is tried again."""
    match call.verb:
        case "start" if not _first_failed(history):
            return refusal(known, *refused_at(State.held, "start", attempt, playbook.rollout))
        case "retry" if state_of(history) == State.rolling_back:
            return _rollback(known, call, playbook, history, now)
        case "retry" | "start":
            late = _late(known, call, attempt)
            return late or _retry(known, call, playbook, history, attempt, now)
        case _:
            return _late(known, call, attempt) or _promote(known, call, playbook, history, attempt, now)


def _late(known: Decision, call: Call, attempt: Attempt | None) -> Decision | None:
    """The refusal of what was looked up of another attempt, state or stage than there is now."""
    if call.looked_at in {None, stands(attempt)}:
        return None
    text = f"{_stands(attempt)} meanwhile, and nothing was done; look, and {call.verb} again"
    return refusal(known, "other-attempt", text)


def _unreadable(known: Decision, call: Call, newest: Playbook, history: History, now: Conditions) -> Decision:
    """An attempt of which nobody knows what it is: it can be rolled back by the newest playbook, and nothing else."""
    text = f"its attempt cannot be read ({history.unreadable})"
    if call.verb not in BY_PEOPLE:
        cure = (
            f"`handrail rollout rollback {known.rollout}` rolls back by the newest playbook, in a new attempt"
        )
        return refusal(known, "fault", f"{text}; {cure}")
    why = f"{call.why}; {text}".removeprefix("; ")
    return _rollback(known, replace(call, anyway=True, why=why), newest, History(), now)


def _start(known: Decision, call: Call, playbook: Playbook, history: History, now: Conditions) -> Decision:
    if history.security_incident is not None:
        return refusal(known, "incident-open", forbids_start(history.security_incident))
    if late := _late(known, call, history.attempt):
        return late
    first = playbook.stages[0] if playbook.stages else None
    name = first.name if first else ""
    gate = gate_ahead(call, playbook, history, now)
    known = replace(known, known=gate_facts(gate))
    refused, past = through(known, call, (*call.no_way_back, *call.not_ready, *guard_is_off(now)), gate)
    if refused:
        return refused
    begin = Begin(playbook.service, name, call.pinned, "; ".join(call.no_way_back), call.captured, playbook)
    changes: tuple[Change, ...] = (begin, _entering("start", first, 0, now.now)) if first else (begin,)
    changes += still_firing(playbook, history, call.pinned, now)
    where = f"in stage {name}" if name else "guarding from now on"
    where += (
        f", {versions_in_words(playbook.arms, call.traffic)}" if isinstance(playbook.arms, GivenArms) else ""
    )
    where += overridden(call, past)
    return replace(
        known, verdict=Verdict.act, reason="asked-for", text=f"a new attempt, {where}", changes=changes
    )


def _stands(attempt: Attempt | None) -> str:
    if attempt is None:
        return "its attempt was removed"
    return f"attempt {attempt.number} became {attempt.state}{f' in stage {attempt.stage}' if attempt.stage else ''}"


def _first_failed(history: History) -> bool:
    """Whether the first stage was not entered, so that a start tries it again."""
    failed = history.not_entered
    return failed is not None and failed.action == "start"


def _again(
    known: Decision, playbook: Playbook, history: History, failed: Run, past: str, now: Conditions
) -> Decision:
    """A stage that was not entered is entered once more."""
    stage = next((stage for stage in playbook.stages if stage.name == failed.key), None)
    number = history.attempt.number if history.attempt else 0
    if stage is None:
        return refusal(known, "no-stage", f"the playbook has no stage {failed.key} any more; roll back")
    again = _entering(failed.action, stage, history.next_round(failed.action, stage.name), now.now)
    text = f"attempt {number}: entering {stage.name} once more{past}"
    return replace(known, verdict=Verdict.act, reason="tried-again", text=text, changes=(SetHold(""), again))


def _retry(
    known: Decision, call: Call, playbook: Playbook, history: History, attempt: Attempt, now: Conditions
) -> Decision:
    """What failed is tried again: a stage under the same conditions as the first time, a rollback at once."""
    failed = history.not_entered
    if history.reduced is not None and (failed is None or failed.key == attempt.stage):
        return enter_again(known, call, playbook, history, attempt, now)
    if failed is None:
        return refusal(known, "nothing-failed", f"nothing failed in attempt {attempt.number}; promote it")
    if call.to and call.to != failed.key:
        return refusal(known, "other-stage", f"you meant {call.to}, and what failed is entering {failed.key}")
    if failed.action == "promote":
        return _promote(known, call, playbook, history, attempt, now)
    gate = gate_ahead(call, playbook, history, now)
    known = replace(known, known=gate_facts(gate))
    reasons = (*call.no_way_back, *call.not_ready, *_held(attempt, failed), *guard_is_off(now))
    refused, past = through(known, call, reasons, gate)
    return refused or _again(known, playbook, history, failed, overridden(call, past), now)


def _held(attempt: Attempt, failed: Run | None) -> list[str]:
    """What it is held for, beside the failure that is tried again."""
    return (
        [f"held: {attempt.held}"] if attempt.held and not (failed and attempt.held == failed.broken) else []
    )


def _promote(
    known: Decision, call: Call, playbook: Playbook, history: History, attempt: Attempt, now: Conditions
) -> Decision:
    current = next((stage for stage in playbook.stages if stage.name == attempt.stage), None)
    following = playbook.stage_after(attempt.stage)
    over = attempt.stage_entered_at + timedelta(seconds=current.takes if current else 0)
    if attempt.state == AttemptState.finishing:
        return refusal(known, *refused_at(State.finishing, "promote", attempt, playbook.rollout))
    refused = _other_stage(known, call, playbook, history, attempt)
    refused = refused or _unnamed(known, call, history, attempt, following, now)
    past_hold = now.now >= over or (call.anyway and bool(call.why))
    if refused and (past_hold or refused.reason != UNNAMED):
        return refused
    gate = gate_ahead(call, playbook, history, now)
    known = replace(known, known=gate_facts(gate))
    reasons = [*(call.no_way_back if following else ()), *call.not_ready]
    reasons += _held(attempt, history.not_entered if call.verb == "retry" else None)
    reasons += [f"it has {share_of(playbook)}"] if history.reduced is not None and not attempt.held else []
    reasons += guard_is_off(now)
    reasons += [still_bakes(attempt.stage, over)] if now.now < over and not gate else []
    refused, past = through(known, call, tuple(reasons), gate)
    if refused:
        return refused
    if following is None:
        return _ends(known, playbook, f"{overridden(call, past)}" if past or call.itself else "", now)
    text = f"into stage {following.name}{overridden(call, past)}"
    changes = (
        SetHold(""),
        SetReady("; ".join(call.no_way_back)),
        Capture(call.captured),
        _entering("promote", following, history.next_round("promote", following.name), now.now),
    )
    return replace(known, verdict=Verdict.act, reason="asked-for", text=text, changes=changes)


def _ends(known: Decision, playbook: Playbook, why: str, now: Conditions) -> Decision:
    """After the last gate: complete, or guarded for a while more."""
    changes: tuple[Change, ...] = (SetState(AttemptState.complete), Once(FINISHED))
    text = "the rollout is complete"
    if playbook.watch_after:
        until = when(now.now + timedelta(seconds=playbook.watch_after))
        changes = (SetHold(""), SetState(AttemptState.finishing), Once(FINISHED))
        text = f"the rollout has passed its last gate, and is guarded until {until}"
    return replace(known, verdict=Verdict.act, reason="asked-for", text=text + why, changes=changes)


def _other_stage(
    known: Decision, call: Call, playbook: Playbook, history: History, attempt: Attempt
) -> Decision | None:
    """The refusal of a call that means another stage than comes next; no stage is skipped."""
    last = history.entering
    if last is not None and last.action == "start" and last.state in BROKEN:
        cure = f"`handrail rollout retry {known.rollout}` enters it once more"
        return refusal(known, "not-entered", f"stage {last.key} was not entered: {last.broken}; {cure}")
    following = playbook.stage_after(attempt.stage)
    ahead = following.name if following else names.COMPLETE
    if call.to and call.to != ahead:
        stages = [stage.name for stage in playbook.stages]
        entered = call.to in stages[: stages.index(attempt.stage) + 1] if attempt.stage in stages else False
        which = "which it has entered" if entered else "which is not the next"
        if call.to not in {*stages, names.COMPLETE}:
            which = "and it has no such stage"
        return refusal(
            known, "other-stage", f"you meant {call.to}, {which}; next comes {ahead}: --to {ahead}"
        )
    return None


def _unnamed(
    known: Decision,
    call: Call,
    history: History,
    attempt: Attempt,
    following: StageFacts | None,
    now: Conditions,
) -> Decision | None:
    """The refusal of a call that names no stage right after a promotion: it may have been meant for that one."""
    last, age = history.entering, now.now - attempt.stage_entered_at
    promoted = last is not None and last.action == "promote" and last.state in WORKED
    if call.to or last is None or not promoted or age >= JUST_ENTERED:
        return None
    ahead = following.name if following else names.COMPLETE
    text = f"{last.asked_by} entered {attempt.stage} {max(0, int(age.total_seconds()))} s ago"
    return refusal(known, UNNAMED, f"{text}; if you mean {ahead}, say --to {ahead}")


def _rollback(known: Decision, call: Call, playbook: Playbook, history: History, now: Conditions) -> Decision:
    """Always from the targets: whatever is recorded, each step begins with the read, and acts on what differs."""
    name = call.verb if call.verb in BY_PEOPLE else names.ACTING[0]
    action, attempt, last = playbook.action(name), history.attempt, history.last_run(name)
    if action is None or not action.steps:
        return refusal(known, "no-steps", f"the playbook has no steps for {name}; declare them and generate")
    if name != names.ACTING[0] and not call.why:
        return refusal(known, "no-reason", f"say why with --why: everybody is told of an {name}")
    steps = attempt.pinned.get(name, action.steps) if attempt else action.steps
    if last and last.state == RunState.open and _has_steps(last, steps):
        text = f"{an(name)} is under way; each of its steps reads its target first"
        return replace(known, verdict=Verdict.repeat, reason="under-way", text=text)
    changes: list[Change] = []
    if attempt is None or state_of(history) in TERMINAL:
        if not (call.anyway and call.why):
            state = "no attempt is active"
            return refusal(known, "no-attempt", f"{state}; to roll back anyway, say --anyway and --why")
        # Never pinned again: what stands there now is what is to be rolled back.
        first = playbook.stages[0].name if playbook.stages else ""
        pinned = attempt.pinned if attempt else {}
        changes.append(Begin(playbook.service, first, pinned, "", playbook=playbook))
        history = History()
    run = Open(name, "", history.next_round(name), steps, action.proof, now.now, supersedes=True)
    changes += [SetState(AttemptState.rolling_back), run]
    text = f"{call.by} asked for {an(name)}" + (f": {call.why}" if call.why else "")
    if last is not None and last.state not in NEVER_BEGUN:
        text += f"; the last one is {last.state}, and every target is read again"
    return replace(known, verdict=Verdict.act, reason="asked-for", text=text, changes=tuple(changes))


def _has_steps(run: Run, steps: Sequence[Step]) -> bool:
    """Whether a run carries out these steps, and not those of a playbook before."""
    return tuple(effect.step for effect in run.effects) == on_each_node(steps)


def _adopt(known: Decision, call: Call, newest: Playbook, attempt: Attempt) -> Decision:
    """The live attempt continues with the newest playbook; what was pinned stays where the step is the same."""
    if attempt.stage and attempt.stage not in [stage.name for stage in newest.stages]:
        text = (
            f"the newest playbook has no stage {attempt.stage}, in which the attempt is; roll back or abandon"
        )
        return refusal(known, "no-stage", text)
    newest = with_versions_of(attempt, newest)
    changes = changes_between(attempt.playbook, newest)
    if isinstance(newest.arms, OpenArms):
        text = "the newest playbook leaves open which versions its arms are; roll back or abandon, and start again"
        return refusal(known, "versions", text)
    if not changes:
        text = "nothing changes: it follows the newest playbook already"
        return replace(known, verdict=Verdict.repeat, reason="adopted-already", text=text)
    if not call.why:
        return refusal(known, "no-reason", f"say why with --why; this would change: {'; '.join(changes)}")
    refused = not_ready(known, call, call.no_way_back)
    if refused:
        return refused
    adopt = Adopt(newest, pinned_anew(attempt, newest, call.pinned), "; ".join(call.no_way_back))
    text = f"it continues with the newest playbook ({call.by}: {call.why}); changed: {'; '.join(changes)}"
    known = replace(known, known={"changed": list(changes)})
    return replace(known, verdict=Verdict.act, reason="adopted", text=text, changes=(adopt,))


def _at_gate(known: Decision, call: Call, playbook: Playbook, history: History, now: Conditions) -> Decision:
    at = next_gate(playbook, history, call.gate_inputs, now.now)
    if at is None:
        return no_gate(known, playbook, history)
    return (check if call.verb == "check" else approve)(known, call.word, call.why, at)


def _entering(verb: str, stage: StageFacts, number: int, now: datetime) -> Open:
    return Open(verb, stage.name, number, stage.enter, None, now)
