"""Playbook + History + evidence → the incident that people are told of, as it is now or as it was opened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from handrail.contract import Playbook, names

from handrail_receiver.model import (
    OPEN,
    WORKED,
    AttemptState,
    Effect,
    EffectState,
    EvidenceRecord,
    History,
    Incident,
    IncidentEvent,
    Run,
    RunState,
    Verdict,
    given_arms,
)
from handrail_receiver.model.probe_names import failing_probes
from handrail_receiver.telling.incident import IncidentEntry, Link, Severity, Status, ToldIncident
from handrail_receiver.words.arms import versions_in_words
from handrail_receiver.words.steps import what

MOST_LINES = 30
TOLD = {Verdict.act, Verdict.confirm, Verdict.hold, Verdict.tell}
"""Verdicts whose text says all that a reader needs; any other stands before its text."""
CAME_TO_NOTHING = {RunState.withdrawn, RunState.superseded}


@dataclass(frozen=True)
class IncidentSubject:
    """What an incident is about, and where to read on."""

    rollout: str
    service: str
    links: tuple[Link, ...]


HANDRAIL = "handrail"


def subject_of(rollout: str, playbook: Playbook | None, history: History, page: str) -> IncidentSubject:
    """A rollout; without its playbook as much as is known of it. `page` is the receiver's own, empty: there is none."""
    links = [("Rollout", page)]
    if playbook is not None:
        links = [("Runbook", playbook.runbook_url), ("Dashboard", playbook.dashboard_url), *links]
    known = playbook or history.attempt
    return IncidentSubject(
        rollout, known.service if known else rollout, tuple(Link(*one) for one in links if one[1])
    )


def incident_of(
    key: str, subject: IncidentSubject, history: History, records: Sequence[EvidenceRecord], now: datetime
) -> ToldIncident:
    """What stands now, whatever was told before; of `records`, the newest MOST_LINES that people are told of."""
    last, one = _last_acting(history), history.incident
    opened = history.attempt.started_at if history.attempt else now
    told = [record for record in records if record.at >= opened]
    lines = (*_lines(told), *_broken(last))
    title = f"{_title(subject.rollout, history, last)}{_versions(history)}"
    status = _until_closed(_status(history, last), one)
    return _made(key, subject, title, status, _severity(history, last), lines, opened, now)


def superseded_incident(
    key: str,
    attempt: int,
    subject: IncidentSubject,
    history: History,
    records: Sequence[EvidenceRecord],
    now: datetime,
) -> ToldIncident:
    """An attempt after which another one has begun: nothing of it is open any more, but what a person must close.

    And what people were woken for before the first attempt.
    """
    own = [record for record in records if json.loads(record.body).get("attempt") == attempt]
    one = next((one for one in history.incidents if one.attempt == attempt), None)
    title = f"{subject.rollout}: this attempt is over, the next one has begun"
    if history.attempt is None:
        title = f"{subject.rollout}: {one.trigger if one else 'what woke people before the first attempt'}"
    if one is not None and one.stays_open:
        title = f"{subject.rollout}: the next attempt has begun, and {one.id} is open: a person closes it"
    before = history.attempt is None and one is not None
    status = _until_closed("open" if before else "resolved", one)
    return _made(key, subject, title, status, "error", _lines(own), own[0].at if own else now, now)


def _until_closed(status: Status, one: Incident | None) -> Status:
    """What stands of an attempt's incident: a grave one is over once a person says so, and one that somebody has wakes nobody."""
    if status == "resolved" and one is not None and one.stays_open:
        status = "open"
    return "acknowledged" if status == "open" and one is not None and one.acknowledged else status


def _made(
    key: str,
    subject: IncidentSubject,
    title: str,
    status: Status,
    severity: Severity,
    lines: Sequence[IncidentEntry],
    opened: datetime,
    now: datetime,
) -> ToldIncident:
    return ToldIncident(
        key=key,
        rollout=subject.rollout,
        service=subject.service,
        title=title,
        status=status,
        severity=severity,
        lines=tuple(lines[-MOST_LINES:]),
        links=subject.links,
        opened=opened,
        updated=now,
        resolved=now if status == "resolved" else None,
    )


def when_opened(history: History, records: Sequence[EvidenceRecord]) -> tuple[History, list[EvidenceRecord]]:
    """The same as it was when its last action began, for those who hear of that one only after its end."""
    last = _last_acting(history)
    if last is None:
        return history, list(records)
    begun = replace(last, state=RunState.open, finished_at=None)
    runs = tuple(begun if run is last else run for run in history.runs)
    known = [record for record in records if record.at <= last.decided_at]
    return replace(history, runs=runs), known


def _last_acting(history: History) -> Run | None:
    acting = [run for run in history.runs if run.action in names.ACTING and run.state not in CAME_TO_NOTHING]
    return acting[-1] if acting else None


def unguarded_incident(
    key: str, subject: IncidentSubject, why: str, opened: datetime, now: datetime
) -> ToldIncident:
    """A rollout without stages that is not guarded: `why` is empty when it is."""
    text = why or "it is guarded now"
    return _ours(key, subject, f"{subject.rollout}: {text}", text, "error", opened, now, over=not why)


def blind_incident(key: str, why: str, opened: datetime, now: datetime, page: str) -> ToldIncident:
    """The guard cannot see: `why` is empty when it can again."""
    text = why or "the heartbeat arrives again"
    title = f"Handrail is blind: {text}; nothing is promoted" if why else "Handrail can see again"
    return _ours(key, _guard(page), title, text, "critical", opened, now, over=not why)


def refused_incident(key: str, why: str, opened: datetime, now: datetime, page: str) -> ToldIncident:
    """Deliveries are refused for good: `why` is empty when none was for a while."""
    text = why or "nothing was refused for an hour"
    title = (
        f"Handrail refuses deliveries, and what they said is lost: {text}"
        if why
        else "Handrail accepts deliveries again"
    )
    return _ours(key, _guard(page), title, text, "error", opened, now, over=not why)


def _guard(page: str) -> IncidentSubject:
    return IncidentSubject(HANDRAIL, HANDRAIL, (Link("Status", page),) if page else ())


def _ours(
    key: str,
    subject: IncidentSubject,
    title: str,
    text: str,
    severity: Severity,
    opened: datetime,
    now: datetime,
    *,
    over: bool,
) -> ToldIncident:
    status: Status = "resolved" if over else "open"
    return _made(key, subject, title, status, severity, (IncidentEntry(now, text),), opened, now)


def _title(rollout: str, history: History, last: Run | None) -> str:
    if _abandoned(history):
        return f"{rollout}: the attempt was abandoned"
    if last is not None and history.attempt is not None and _changed_since(history):
        return f"{rollout}: {history.attempt.held}"
    asks = _asks_since(history, last)
    if last is not None:
        word = {"open": "under way", "proving": "being proved", "waiting": "being confirmed"}.get(
            last.state, last.state.value
        )
        if last.state in WORKED and history.incident is not None and history.incident.stays_open:
            word += f"; {history.incident.id} is open until a person closes it"
        failed = len(_failed(last)) if last.state in OPEN else 0
        broken = f", {failed} of {len(last.effects)} steps failed" if failed else ""
        again = f"{asks}; " if asks else ""
        return f"{rollout}: {again}{last.action} {word}{broken}"
    held = history.attempt.held if history.attempt else ""
    if held:
        return f"{rollout}: {held}"
    fire = [said.source for said in history.said if said.firing]
    probes = failing_probes(fire)
    only = f"{', '.join(probes)} {'fails' if len(probes) == 1 else 'fail'}"
    return f"{rollout}: {only if probes and len(probes) == len(fire) else 'a guardrail needs attention'}"


def _versions(history: History) -> str:
    arms = given_arms(history.attempt)
    return "" if arms is None else f" ({versions_in_words(arms)})"


def _status(history: History, last: Run | None) -> Status:
    if _abandoned(history):
        return "resolved"
    if last is not None:
        asks = bool(_asks_since(history, last))
        if last.state in WORKED:
            return "open" if asks or _changed_since(history) else "resolved"
        # Acknowledged means that nobody need get up: only an ordinary rollback that got through says so.
        got_through = last.state == RunState.proving and not _failed(last) and not asks
        handled = got_through and last.action == "rollback"
        return "acknowledged" if handled else "open"
    quiet = not any(said.firing for said in history.said)
    return "resolved" if quiet and history.attempt and not history.attempt.held else "open"


def _abandoned(history: History) -> bool:
    """Whether a person has closed the attempt: nobody need do anything about it any more."""
    return history.attempt is not None and history.attempt.state == AttemptState.abandoned


def _changed_since(history: History) -> bool:
    """Whether a target does not hold any more what the rollback asked for."""
    return history.attempt is not None and history.attempt.changed_since


def _asks_since(history: History, last: Run | None) -> str:
    """What woke people after the last rollback got through, or began, and still fires; empty: nothing did."""
    if last is None or history.incident is None:
        return ""
    since = (last.finished_at if last.state in WORKED else None) or last.decided_at
    fire = {said.source for said in history.said if said.firing}
    asked = [
        one.text
        for one in history.incident.events
        if one.event in {IncidentEvent.more, IncidentEvent.reopened}
        and one.at > since
        and one.said.get("source") in fire
    ]
    return asked[-1] if asked else ""


def _given_up(history: History) -> bool:
    """Whether a rollback was not begun because it could not be confirmed: people must look."""
    attempt = history.attempt
    return attempt is not None and any(
        run.state == RunState.withdrawn and attempt.held_for(run.text) for run in history.runs
    )


def _severity(history: History, last: Run | None) -> Severity:
    if last is None:
        return "critical" if _given_up(history) else "warning"
    under_control = last.state in WORKED or (last.state in OPEN and not _failed(last))
    return "error" if last.action == "rollback" and under_control else "critical"


def _failed(run: Run) -> list[Effect]:
    return [effect for effect in run.effects if effect.state == EffectState.failed]


def _broken(run: Run | None) -> tuple[IncidentEntry, ...]:
    """What has failed, is tried again or is warned of in a run that goes on; when it ends, its outcome names them."""
    if run is None or run.state not in OPEN:
        return ()
    at = run.acted_at or run.decided_at
    words = {EffectState.failed: "failed", EffectState.intended: "not yet"}
    return tuple(
        IncidentEntry(at, f"{what(one.step)} {words[one.state]}: {one.found}")
        for one in run.effects
        if one.state in words and one.found
    )


def _lines(records: Sequence[EvidenceRecord]) -> tuple[IncidentEntry, ...]:
    return tuple(
        IncidentEntry(record.at, _said(record))
        for record in records
        if record.kind in {"decision", "outcome"}
    )


def _said(record: EvidenceRecord) -> str:
    body = json.loads(record.body)
    if record.kind == "decision":
        return str(body["text"]) if body["verdict"] in TOLD else f"{body['verdict']}: {body['text']}"
    return f"{body['action']} {body['outcome']}: {body['text']}"
