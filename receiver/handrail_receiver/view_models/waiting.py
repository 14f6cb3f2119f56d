"""Playbook + History + the gate ahead + now → what a rollout waits for, and until when, in a sentence. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.contract import Gate, Playbook, StageFacts, names

from handrail_receiver.attempt_states.states import State, state_of
from handrail_receiver.gates.gate import GateStatus
from handrail_receiver.gates.requirement import Requirement
from handrail_receiver.model import ENTERING, FINISHED, OPEN, Attempt, EffectState, History, Run, RunState
from handrail_receiver.view_models.going_on import not_yet
from handrail_receiver.words.times import span, when

OF_PEOPLE = ("check", "approval")
AT_DEADLINE = {"hold": "it is held", "rollback": "it is rolled back", "page": "people are told"}
NOT_YET = ("bake", "criterion", "probe", "checks")
"""What is not met while a stage bakes, whoever does what."""


@dataclass(frozen=True)
class Waiting:
    """A sentence, and whether it is a person that is waited for; `incident`: to acknowledge this one."""

    text: str
    for_people: bool = False
    incident: str = ""


def waits_for(playbook: Playbook, history: History, gate: GateStatus | None, now: datetime) -> Waiting:
    """What it waits for at `now`. `gate` is the next one, None where it was not judged or none comes."""
    attempt = history.attempt
    state = state_of(history)
    if attempt is None or state is State.none:
        return _not_begun(playbook)
    if history.security_incident is not None and not attempt.live:
        return Waiting(
            "It waits for a person to close the incident: no attempt begins before.", for_people=True
        )
    match state:
        case State.entering | State.promoting | State.confirming | State.rolling_back:
            return _carried_out(history)
        case State.held:
            return Waiting(f"It waits for a person: {attempt.held or _failed(history)}", for_people=True)
        case State.baking:
            return _in_stage(playbook, attempt, gate, now)
        case State.finishing:
            until = history.once.get(FINISHED, now) + timedelta(seconds=playbook.watch_after)
            return Waiting(
                f"It waits until {when(until)}, is guarded until then, and then completes automatically."
            )
        case State.guarding:
            return Waiting("It waits for nothing: it is guarded for as long as it has no other playbook.")
        case State.rolled_back if attempt.changed_since:
            return Waiting(f"It waits for a person: {attempt.held}", for_people=True)
        case State.rolled_back if history.incident is not None and history.incident.acknowledged is None:
            name = history.incident.id
            return Waiting(
                f"It waits for a person to acknowledge incident {name}.", for_people=True, incident=name
            )
        case State.rolled_back:
            return Waiting("It waits for nothing: fix the canary, then start a new attempt.")
        case State.none | State.complete | State.abandoned:
            return Waiting(f"It waits for nothing: it is {state}.")


def _not_begun(playbook: Playbook) -> Waiting:
    if playbook.stages:
        return Waiting("It waits for nothing: nobody has started it.")
    drill = f"`handrail rollout drill {playbook.rollout}` says what that lacks"
    return Waiting(
        f"It is not guarded. Guarding begins automatically once its rollback is ready; {drill}.",
        for_people=True,
    )


def _failed(history: History) -> str:
    tried = history.entering
    return tried.broken if tried is not None and tried.broken else "the steps of its stage did not succeed"


def _carried_out(history: History) -> Waiting:
    """A run is under way, or a rollback did not get through."""
    going = [run for run in history.runs if run.state in OPEN]
    back = [run for run in going if run.action in names.ACTING]
    run = next(iter([*back, *(run for run in going if run.action in ENTERING), *going]), None)
    if run is None:
        return Waiting("It waits for a person: the rollback failed, or could not be proved.", for_people=True)
    if run.state == RunState.waiting:
        asked = f"Prometheus to confirm the {run.action}, which it is asked for at {when(run.due_at)}"
        return Waiting(f"It waits for {asked}.")
    if run.state == RunState.proving:
        return Waiting(f"It waits for Prometheus to see the canary's traffic gone{_proof_ends(run)}.")
    done = sum(effect.state != EffectState.intended for effect in run.effects)
    words = {names.REDUCE: "the smaller share"}
    what = f"stage {run.key}" if run.action in ENTERING else words.get(run.action, f"the {run.action}")
    again = f" (try {run.round + 1})" if run.round else ""
    text = f"It waits for the steps of {what}{again}: {done} of {len(run.effects)} are done"
    why = run.text if run.action in ENTERING else ""
    return Waiting(f"{'; '.join(filter(None, (text, why, not_yet(run))))}.")


def _proof_ends(run: Run) -> str:
    if run.proof is None:
        return ""
    return f", until {when((run.acted_at or run.decided_at) + timedelta(seconds=run.proof.within))}"


def _in_stage(playbook: Playbook, attempt: Attempt, gate: GateStatus | None, now: datetime) -> Waiting:
    stage = next((one for one in playbook.stages if one.name == attempt.stage), None)
    following = playbook.stage_after(attempt.stage)
    goal = f"into stage {following.name}" if following else "out of its last stage"
    if stage is not None and stage.bake is None and following is None and gate is None:
        return Waiting(f"It waits for a person to promote it {goal}, whenever they like.")
    over = attempt.stage_entered_at + timedelta(seconds=stage.takes if stage else 0)
    missing = [ask for ask in gate.missing if now >= over or not _waits(ask)] if gate else []
    people = [_asked_of_people(ask) for ask in missing if ask.kind in OF_PEOPLE]
    others = [ask.text for ask in missing if ask.kind not in OF_PEOPLE]
    itself = stage is not None and stage.advance == "when-met"
    ends = _deadline(stage, attempt)
    if now < over:
        later = f", and then {goal}{' automatically' if itself else ''}"
        also = f"; also missing: {'; '.join([*others, *people])}" if missing else ""
        bakes = f"stage {attempt.stage} to bake until {when(over)} (in {span(over - now)})"
        return Waiting(f"It waits for {bakes}{later}{also}.{ends}")
    if people or not (missing or itself):
        by_hand = "a person to complete it" if following is None else f"a person to promote it {goal}"
        if gate is None and _asks(playbook, following):
            by_hand = f"what its gate {goal} asks for, and {by_hand}"
        wanted = " and ".join(people) or by_hand
        also = f"; also missing: {'; '.join(others)}" if others else ""
        return Waiting(f"It waits for {wanted}{also}.{ends}", for_people=True)
    if not missing:
        open_or_not = "its gate is open" if gate else "as soon as its gate is open"
        return Waiting(f"It is promoted {goal} automatically: {open_or_not}.{ends}")
    return Waiting(f"It waits for its gate {goal}: {'; '.join(others)}.{ends}")


def _asks(playbook: Playbook, following: StageFacts | None) -> bool:
    """Whether a gate that nobody has judged asks for anything."""
    into = following.name if following else names.COMPLETE
    gate = next((one for one in playbook.gates if one.into == into), None)
    return gate is not None and gate != Gate(into=into)


def _waits(ask: Requirement) -> bool:
    """Whether nobody can do anything about it yet: also a question of a check whose moment has not come."""
    return ask.kind in NOT_YET or (ask.kind == "check" and not ask.cure)


def _deadline(stage: StageFacts | None, attempt: Attempt) -> str:
    """What follows when the stage is not left in time."""
    if stage is None or stage.deadline is None:
        return ""
    at = attempt.stage_entered_at + timedelta(seconds=stage.deadline)
    return f" If it is still in stage {stage.name} at {when(at)}, {AT_DEADLINE[stage.at_deadline]}."


def _asked_of_people(ask: Requirement) -> str:
    return f"an approval as {ask.name}" if ask.kind == "approval" else f"an answer to “{ask.name}”"
