"""Playbook + History + the gate ahead + now → what a rollout waits for, and until when, in a sentence. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.contract import Playbook, names

from handrail_receiver.gates.gate import GateStatus, Requirement
from handrail_receiver.lifecycle.states import State, state_of
from handrail_receiver.model import ENTERING, OPEN, Attempt, EffectState, History, Run, RunState
from handrail_receiver.words.times import span, when

NOT_YET = ("bake", "criterion")
"""What is not met while a stage bakes, whoever does what."""


@dataclass(frozen=True)
class Waiting:
    """A sentence, and whether it is a person that is waited for."""

    text: str
    for_people: bool = False


def waits_for(playbook: Playbook, history: History, gate: GateStatus | None, now: datetime) -> Waiting:
    """What it waits for at `now`. `gate` is the next one, None where it was not judged or none comes."""
    attempt = history.attempt
    state = state_of(history)
    if attempt is None or state is State.none:
        return Waiting("It waits for nothing: nobody has started it.")
    match state:
        case State.entering | State.promoting | State.confirming | State.rolling_back:
            return _carried_out(history)
        case State.held:
            return Waiting(f"It waits for a person: {attempt.held or _failed(history)}", for_people=True)
        case State.baking:
            return _in_stage(playbook, attempt, gate, now)
        case State.guarding:
            return Waiting("It waits for nothing: it is guarded for as long as it has no other playbook.")
        case State.rolled_back if attempt.changed_since:
            return Waiting(f"It waits for a person: {attempt.held}", for_people=True)
        case State.rolled_back:
            return Waiting("It waits for nothing: a person mends the canary and starts a new attempt.")
        case _:
            return Waiting(f"It waits for nothing: it is {state}.")


def _failed(history: History) -> str:
    tried = history.entering
    return (
        tried.broken if tried is not None and tried.broken else "the steps of its stage did not get through"
    )


def _carried_out(history: History) -> Waiting:
    """A run is under way, or a rollback did not get through."""
    going = [run for run in history.runs if run.state in OPEN]
    back = [run for run in going if run.action in names.ACTING]
    run = next(iter([*back, *(run for run in going if run.action in ENTERING), *going]), None)
    if run is None:
        return Waiting(
            "It waits for a person: the rollback did not get through, and is not done.", for_people=True
        )
    if run.state == RunState.waiting:
        asked = f"Prometheus to confirm the {run.action}, which it is asked for at {when(run.due_at)}"
        return Waiting(f"It waits for {asked}.")
    if run.state == RunState.proving:
        return Waiting(f"It waits for Prometheus to see the canary's traffic gone{_proof_ends(run)}.")
    done = sum(effect.state != EffectState.intended for effect in run.effects)
    what = f"{run.action} {run.key}".rstrip()
    return Waiting(f"It waits for the steps of {what}: {done} of {len(run.effects)} are done.")


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
    over = attempt.stage_entered_at + timedelta(seconds=stage.bake if stage and stage.bake else 0)
    missing = [ask for ask in gate.missing if now >= over or ask.kind not in NOT_YET] if gate else []
    people = [_asked_of_people(ask) for ask in missing if ask.kind in {"check", "approval"}]
    others = [ask.text for ask in missing if ask.kind not in {"check", "approval"}]
    if now < over:
        later = f", and then {goal}"
        also = f"; it lacks as well: {'; '.join([*others, *people])}" if missing else ""
        bakes = f"stage {attempt.stage} to bake until {when(over)} (in {span(over - now)})"
        return Waiting(f"It waits for {bakes}{later}{also}.")
    if people or not missing:
        wanted = "; ".join(people) or f"a person to promote it {goal}"
        also = f"; it lacks as well: {'; '.join(others)}" if others else ""
        return Waiting(f"It waits for {wanted}{also}.", for_people=True)
    return Waiting(f"It waits for its gate {goal}: {'; '.join(others)}.")


def _asked_of_people(ask: Requirement) -> str:
    return f"an approval as {ask.name}" if ask.kind == "approval" else f"an answer to “{ask.name}”"
