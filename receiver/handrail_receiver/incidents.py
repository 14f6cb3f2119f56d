"""Playbook + History + evidence → the Incident that people are told of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from handrail.contract import Playbook, names

from handrail_receiver.model import OPEN, WORKED, EvidenceRecord, History, Run, RunState
from handrail_receiver.telling.incident import Incident, Line, Link, Severity, Status

MOST_LINES = 30


def incident_of(
    key: str,
    playbook: Playbook,
    history: History,
    records: Sequence[EvidenceRecord],
    page: str,
    now: datetime,
) -> Incident:
    """What stands now, whole, whatever was told before."""
    acting = [run for run in history.runs if run.action in names.ACTING]
    last = acting[-1] if acting else None
    opened = history.attempt.started_at if history.attempt else now
    lines = _lines(records, opened)
    status = _status(history, last)
    return Incident(
        key=key,
        rollout=playbook.rollout,
        service=playbook.service,
        title=_title(playbook, history, last),
        status=status,
        severity=_severity(last),
        lines=lines[-MOST_LINES:],
        links=tuple(
            Link(text, url)
            for text, url in (
                ("Runbook", playbook.runbook_url),
                ("Dashboard", playbook.dashboard_url),
                ("Rollout", page),
            )
            if url
        ),
        opened=lines[0].at if lines else opened,
        updated=now,
        resolved=now if status == "resolved" else None,
    )


def blind_incident(key: str, why: str, opened: datetime, now: datetime, page: str) -> Incident:
    """The guard cannot see: `why` is empty when it can again."""
    text = why or "the heartbeat arrives again"
    return Incident(
        key=key,
        rollout="handrail",
        service="handrail",
        title=f"Handrail is blind: {text}; nothing is promoted" if why else "Handrail can see again",
        status="open" if why else "resolved",
        severity="critical",
        lines=(Line(now, text),),
        links=(Link("Status", page),) if page else (),
        opened=opened,
        updated=now,
        resolved=None if why else now,
    )


def _title(playbook: Playbook, history: History, last: Run | None) -> str:
    if last is not None:
        word = {"open": "under way", "proving": "being proved", "waiting": "being confirmed"}.get(
            last.state, last.state.value
        )
        return f"{playbook.rollout}: {last.action} {word}"
    held = history.attempt.held if history.attempt else ""
    return f"{playbook.rollout}: {held}" if held else f"{playbook.rollout}: a guardrail needs a look"


def _status(history: History, last: Run | None) -> Status:
    if last is not None:
        if last.state in WORKED:
            return "resolved"
        # Acknowledged means that nobody need get up: only an ordinary rollback that got through says so.
        handled = last.state == RunState.proving and last.action == "rollback"
        return "acknowledged" if handled else "open"
    quiet = not any(said.firing for said in history.said)
    return "resolved" if quiet and history.attempt and not history.attempt.held else "open"


def _severity(last: Run | None) -> Severity:
    if last is None:
        return "warning"
    return (
        "error" if last.action == "rollback" and (last.state in OPEN or last.state in WORKED) else "critical"
    )


def _lines(records: Sequence[EvidenceRecord], since: datetime) -> tuple[Line, ...]:
    return tuple(
        Line(record.at, _said(record))
        for record in records
        if record.at >= since and record.kind in {"decision", "outcome"}
    )


def _said(record: EvidenceRecord) -> str:
    body = json.loads(record.body)
    if record.kind == "decision":
        return f"{body['verdict']} ({body['reason']}): {body['text']}"
    return f"{body['action']} {body['outcome']}: {body['text']}"
