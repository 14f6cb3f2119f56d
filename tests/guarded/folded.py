"""A history and what is decided on it → the history after, as the store would keep it; without a store.

A property can look at thousands of lives so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from handrail.contract import names, on_each_node
from handrail_receiver.model import (
    ENTERING,
    OPEN,
    SHARING,
    Adopt,
    Approved,
    Attempt,
    AttemptState,
    Begin,
    Checked,
    Decision,
    Effect,
    EndAll,
    Happened,
    Heard,
    History,
    Incident,
    IncidentEvent,
    LastSaid,
    Note,
    Once,
    Open,
    Run,
    RunState,
    SetHold,
    SetState,
    after_event,
    opened,
)


def decided(history: History, decision: Decision, at: datetime) -> History:
    """The history once a decision is kept."""
    for change in decision.changes:
        history = _changed(history, change, decision, at)
    return history


def ended(history: History, run: Run, state: RunState, at: datetime) -> History:
    """The history once a run has come to `state`, as the executor records it."""
    attempt = history.attempt
    assert attempt is not None
    over = replace(run, state=state, finished_at=at if state not in OPEN else None, text="so it ended")
    runs = tuple(over if one.id == run.id else one for one in history.runs)
    if over.broken:
        attempt = replace(attempt, held=over.broken, held_by="")
    if state == RunState.open:
        history = _with_incident(history, run, at)
        attempt = replace(attempt, state=AttemptState.rolling_back)
        runs = tuple(_superseded(one, run, at) for one in runs)
    if state in {RunState.done, RunState.proved}:
        if run.action in ENTERING:
            attempt = replace(attempt, stage=run.key, stage_entered_at=at)
        elif run.action in names.ACTING and not any(one.state in OPEN - {RunState.waiting} for one in runs):
            attempt = replace(attempt, state=AttemptState.rolled_back)
    return replace(history, attempt=attempt, runs=runs)


def _changed(history: History, change: object, decision: Decision, at: datetime) -> History:
    attempt = history.attempt
    match change:
        case Begin():
            number = attempt.number + 1 if attempt else 1
            return History(
                Attempt(
                    number, decision.rollout, change.service, number, AttemptState.active, change.stage, at, at,
                    decision.by, pinned=change.pinned, rollback_ready=change.rollback_ready, playbook=change.playbook,
                ),
                incidents=history.incidents,
            )  # fmt: skip
        case Note():
            return replace(history, incidents=tuple(_said_of(history, change, decision, at)))
        case Checked():
            return replace(history, checked=(*history.checked, change))
        case Approved():
            return replace(history, approved=(*history.approved, change))
    assert attempt is not None
    match change:
        case SetHold(why, by):
            return replace(history, attempt=replace(attempt, held=why, held_by=by))
        case Once(name, 0):
            return replace(history, once={name: at, **history.once})
        case SetState(state):
            return replace(history, attempt=replace(attempt, state=state))
        case Adopt(playbook=newest):
            return replace(history, attempt=replace(attempt, playbook=newest))
        case EndAll():
            return replace(history, runs=tuple(_over(one, at) for one in history.runs))
        case Heard():
            said = LastSaid(change.series, change.source, change.firing, at, change.origin, change.began)
            others = tuple(one for one in history.said if one.series != change.series)
            return replace(history, said=(*others, said))
        case Open():
            return _opened(history, change, decision, at)
    return history


def _opened(history: History, change: Open, decision: Decision, at: datetime) -> History:
    attempt = history.attempt
    assert attempt is not None
    if any(
        (one.action, one.key, one.round) == (change.action, change.key, change.round) for one in history.runs
    ):
        return history
    effects = tuple(Effect(place, step) for place, step in enumerate(on_each_node(change.steps)))
    state = RunState.waiting if change.confirmation else RunState.open
    run = Run(
        len(history.runs) + 1, attempt.id, decision.rollout, change.action, change.key, change.round, state,
        decision.by, decision.text, at, at, change.due_at, effects=effects, proof=change.proof,
        confirmation=change.confirmation,
    )  # fmt: skip
    runs = tuple(_superseded(one, run, at) for one in history.runs) if change.supersedes else history.runs
    history = replace(history, runs=(*runs, run))
    return history if change.confirmation else _with_incident(history, run, at)


def _with_incident(history: History, run: Run, at: datetime) -> History:
    """A rollback that begins opens an incident of its attempt, where none is open."""
    if run.action not in names.ACTING or history.incident is not None:
        return history
    begins = Happened(at, IncidentEvent.opened, run.asked_by, run.reason, {"action": run.action})
    return replace(history, incidents=(*history.incidents, opened(run.rollout, run.attempt, begins)))


def _said_of(history: History, note: Note, decision: Decision, at: datetime) -> Iterator[Incident]:
    """The open incidents once something more has happened to one of them."""
    happened = Happened(at, note.event, decision.by, note.text, note.said)
    after = (after_event(one, happened) if one.attempt == note.attempt else one for one in history.incidents)
    return (one for one in after if one.open)


def _superseded(one: Run, by: Run, at: datetime) -> Run:
    ends = one.id != by.id and one.action in {by.action, *SHARING}
    return _over(one, at) if ends else one


def _over(run: Run, at: datetime) -> Run:
    return replace(run, state=RunState.superseded, finished_at=at) if run.state in OPEN else run
