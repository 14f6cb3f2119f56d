"""Attempts with their runs and decisions → how each ended, what failed, and how long it took to restore. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from handrail.contract import Playbook, names

from handrail_receiver.model import (
    ENTERING,
    NEVER_BEGUN,
    WORKED,
    Attempt,
    AttemptState,
    EvidenceRecord,
    Impact,
    Incident,
    Run,
    RunState,
)
from handrail_receiver.store.past_attempts import PastAttempt

Result = Literal["under way", "complete", "rolled back", "abandoned"]


@dataclass(frozen=True)
class Failure:
    """What a rollback ended: from when it was broken until it was proved to be over.

    `restored` is None while it is not over; `proved` says whether that was shown, or only that every step was done.
    `false` is what people said: it was for nothing (None: nobody said anything). `incident` is its id, `cause` what people
    wrote, both empty where there is none. `share` (0..1) is what the canary had of the traffic, `failed` how many requests
    failed, by guardrail.
    """

    number: int
    action: str
    trigger: str
    stage: str
    began: datetime
    restored: datetime | None
    proved: bool = False
    share: float | None = None
    failed: tuple[tuple[str, float], ...] = ()
    false: bool | None = None
    incident: str = ""
    user_impact: str = ""
    cause: str = ""
    severity: str = ""
    closed: bool = False

    @property
    def lasted(self) -> timedelta | None:
        """How long it took to restore; None while it is not."""
        return self.restored - self.began if self.restored is not None else None

    def within(self, start: datetime, end: datetime) -> bool:
        """Whether anything was broken in a time, also where it began before it."""
        return self.began < end and (self.restored is None or self.restored >= start)


@dataclass(frozen=True)
class Stay:
    """How long an attempt was in one stage; `weight` is the canary's share of the traffic there (None: not set by weight)."""

    stage: str
    weight: float | None
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Outcome:
    """An attempt as a report counts it. `ended_at` is None while it is under way.

    `watched` is an incident in which nothing was to be rolled back: no failure of the change.
    """

    number: int
    artifact: str
    started_at: datetime
    ended_at: datetime | None
    result: Result
    stays: tuple[Stay, ...]
    failure: Failure | None = None
    watched: Failure | None = None

    @property
    def in_production(self) -> bool:
        """Whether the new version was given any of the users' traffic."""
        return any(stay.weight != 0 for stay in self.stays)

    @property
    def in_staging(self) -> Stay | None:
        """Its stay in a stage without traffic, where it had one."""
        return next((stay for stay in self.stays if stay.weight == 0), None)


def outcomes(
    attempts: Sequence[PastAttempt],
    records: Sequence[EvidenceRecord],
    incidents: Sequence[Incident],
    newest: Playbook,
    now: datetime,
) -> tuple[Outcome, ...]:
    """Each attempt; `records` are the decisions about them, and `incidents` what they opened."""
    known = {one.attempt: one for one in incidents}
    all_outcomes = []
    for past in attempts:
        made = _outcome(past, _decisions(records, past.attempt.id), newest, now)
        incident = known.get(past.attempt.id)
        if incident is not None and incident.action not in names.ACTING:
            made = replace(made, watched=as_known(_left_to_people(incident), incident))
        elif incident is not None:
            failure = made.failure or _left_to_people(incident)
            made = replace(made, failure=as_known(failure, incident))
        all_outcomes.append(made)
    return tuple(all_outcomes)


def before_first(incidents: Sequence[Incident]) -> tuple[Failure, ...]:
    """What people were woken for before the first attempt: no attempt's outcome has it."""
    return tuple(as_known(_left_to_people(one), one) for one in incidents if one.number == 0)


def _left_to_people(incident: Incident) -> Failure:
    """What was asked of people, and that the receiver did not see: it is over once a person says so."""
    return Failure(
        number=incident.number,
        action=incident.action,
        trigger=incident.trigger,
        stage=incident.stage,
        began=incident.opened,
        restored=incident.closed.at if incident.closed is not None else None,
    )


def as_known(failure: Failure, incident: Incident) -> Failure:
    """A failure with what its incident tells of it: it began with the first evaluation that was broken."""
    impact = incident.impact or Impact()
    return replace(
        failure,
        began=min(failure.began, impact.began) if impact.began is not None else failure.began,
        share=impact.share if impact.share is not None else failure.share,
        failed=tuple(sorted(impact.failed.items())),
        false=incident.false_rollback,
        incident=incident.id,
        user_impact=incident.notes.get("user_impact", ""),
        cause=incident.notes.get("cause", ""),
        severity=incident.severity,
        closed=not incident.open,
    )


@dataclass(frozen=True)
class _Decided:
    at: datetime
    verdict: str
    reason: str
    action: str
    artifact: str


def _decisions(records: Sequence[EvidenceRecord], attempt: int) -> list[_Decided]:
    bodies = [(record.at, json.loads(record.body)) for record in records if record.kind == "decision"]
    return [
        _Decided(at, said["verdict"], said["reason"], said["action"], str(said.get("artifact", "")))
        for at, said in bodies
        if said.get("attempt") == attempt
    ]


def _outcome(past: PastAttempt, decided: Sequence[_Decided], newest: Playbook, now: datetime) -> Outcome:
    attempt = past.attempt
    failure = failure_of(attempt, past.runs, attempt.playbook or newest)
    results: dict[AttemptState, Result] = {
        AttemptState.complete: "complete",
        AttemptState.rolled_back: "rolled back",
        AttemptState.abandoned: "abandoned" if failure is None else "rolled back",
    }
    result = results.get(attempt.state, "under way")
    ended_at = None if result == "under way" else _ended(attempt, past.runs, decided)
    stays = _stays(past, attempt.playbook or newest, ended_at or now)
    artifact = next((one.artifact for one in decided if one.artifact), "")
    return Outcome(attempt.number, artifact, attempt.started_at, ended_at, result, stays, failure)


def _ended(attempt: Attempt, runs: Sequence[Run], decided: Sequence[_Decided]) -> datetime:
    """When it was complete, rolled back or abandoned."""
    promoted = [one.at for one in decided if one.action == "promote" and one.verdict == "act"]
    abandoned = [one.at for one in decided if one.reason == "abandoned"]
    rolled_back = [run.finished_at for run in _acting(runs) if run.finished_at is not None]
    ends = {
        AttemptState.complete: promoted,
        AttemptState.abandoned: rolled_back or abandoned,
        AttemptState.rolled_back: rolled_back,
    }
    return max([attempt.stage_entered_at, *ends.get(attempt.state, [])])


def _stays(past: PastAttempt, playbook: Playbook, end: datetime) -> tuple[Stay, ...]:
    """The stages it entered, one after the other: each lasts until the next begins, or a rollback acts."""
    weights = {stage.name: stage.weight for stage in playbook.stages}
    entered = [
        (run.finished_at, run.key)
        for run in past.runs
        if run.action in ENTERING and run.state in WORKED and run.finished_at is not None
    ]
    acted = [run.acted_at or run.finished_at for run in _acting(past.runs)]
    over = min([end, *(at for at in acted if at is not None)])
    ends = [*(at for at, _ in entered[1:]), over]
    return tuple(
        Stay(stage, weights.get(stage), at, max(at, until))
        for (at, stage), until in zip(entered, ends, strict=False)
    )


def _acting(runs: Sequence[Run]) -> list[Run]:
    """The rollbacks that were begun."""
    return [run for run in runs if run.action in names.ACTING and run.state not in NEVER_BEGUN]


def failure_of(attempt: Attempt, runs: Sequence[Run], playbook: Playbook) -> Failure | None:
    """What its rollbacks ended, all of them together; None where there was none."""
    acting = _acting(runs)
    if not acting:
        return None
    first = min(acting, key=lambda run: (run.detected_at, run.id))
    strongest = max(acting, key=lambda run: names.ACTING.index(run.action))
    newest = {run.action: run for run in acting}.values()
    over = attempt.state in {AttemptState.rolled_back, AttemptState.abandoned, AttemptState.complete}
    through = [run.finished_at for run in newest if run.state in WORKED and run.finished_at is not None]
    weights = {stage.name: stage.weight for stage in playbook.stages}
    return Failure(
        number=attempt.number,
        action=strongest.action,
        trigger=first.reason,
        stage=attempt.stage,
        began=first.detected_at,
        restored=max(through) if through and over else None,
        proved=all(run.state == RunState.proved for run in newest),
        share=weights.get(attempt.stage),
    )
