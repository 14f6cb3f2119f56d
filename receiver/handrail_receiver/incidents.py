"""Playbook + History + evidence → the Incident that people are told of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from handrail.contract import Playbook, names

from handrail_receiver.model import (
    OPEN,
    WORKED,
    Effect,
    EffectState,
    EvidenceRecord,
    History,
    Run,
    RunState,
)
from handrail_receiver.status.words import what
from handrail_receiver.telling.incident import Incident, Line, Link, Severity, Status

MOST_LINES = 30
NEVER_BEGUN = {RunState.withdrawn, RunState.superseded}


def incident_of(
    key: str,
    playbook: Playbook,
    history: History,
    records: Sequence[EvidenceRecord],
    page: str,
    now: datetime,
) -> Incident:
    """What stands now, whatever was told before; of `records`, the newest MOST_LINES that people are told of."""
    acting = [run for run in history.runs if run.action in names.ACTING and run.state not in NEVER_BEGUN]
    last = acting[-1] if acting else None
    opened = history.attempt.started_at if history.attempt else now
    lines = (*_lines(records, opened), *_broken(last))
    status = _status(history, last)
    return Incident(
        key=key,
        rollout=playbook.rollout,
        service=playbook.service,
        title=_title(playbook, history, last),
        status=status,
        severity=_severity(history, last),
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
        opened=opened,
        updated=now,
        resolved=now if status == "resolved" else None,
    )


def unguarded_incident(
    key: str, playbook: Playbook, why: str, opened: datetime, now: datetime, page: str
) -> Incident:
    """A rollout without stages that is not guarded: `why` is empty when it is."""
    links = (("Runbook", playbook.runbook_url), ("Dashboard", playbook.dashboard_url), ("Rollout", page))
    return Incident(
        key=key,
        rollout=playbook.rollout,
        service=playbook.service,
        title=f"{playbook.rollout}: {why or 'it is guarded now'}",
        status="open" if why else "resolved",
        severity="error",
        lines=(Line(now, why or "it is guarded now"),),
        links=tuple(Link(text, url) for text, url in links if url),
        opened=opened,
        updated=now,
        resolved=None if why else now,
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


def refused_incident(key: str, why: str, opened: datetime, now: datetime, page: str) -> Incident:
    """Deliveries are refused for good: `why` is empty when none was for a while."""
    text = why or "nothing was refused for an hour"
    return Incident(
        key=key,
        rollout="handrail",
        service="handrail",
        title=f"Handrail refuses deliveries, what they said is lost: {text}"
        if why
        else "Handrail takes all again",
        status="open" if why else "resolved",
        severity="error",
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
        failed = len(_failed(last)) if last.state in OPEN else 0
        broken = f", {failed} of {len(last.effects)} steps failed" if failed else ""
        return f"{playbook.rollout}: {last.action} {word}{broken}"
    held = history.attempt.held if history.attempt else ""
    return f"{playbook.rollout}: {held}" if held else f"{playbook.rollout}: a guardrail needs a look"


def _status(history: History, last: Run | None) -> Status:
    if last is not None:
        if last.state in WORKED:
            return "resolved"
        # Acknowledged means that nobody need get up: only an ordinary rollback that got through says so.
        got_through = last.state == RunState.proving and not _failed(last)
        handled = got_through and last.action == "rollback"
        return "acknowledged" if handled else "open"
    quiet = not any(said.firing for said in history.said)
    return "resolved" if quiet and history.attempt and not history.attempt.held else "open"


def _given_up(history: History) -> bool:
    """Whether a rollback was not begun because it could not be confirmed: people must look."""
    held = history.attempt.held if history.attempt else ""
    return any(run.state == RunState.withdrawn and run.text == held for run in history.runs)


def _severity(history: History, last: Run | None) -> Severity:
    if last is None:
        return "critical" if _given_up(history) else "warning"
    under_control = last.state in WORKED or (last.state in OPEN and not _failed(last))
    return "error" if last.action == "rollback" and under_control else "critical"


def _failed(run: Run) -> list[Effect]:
    return [effect for effect in run.effects if effect.state == EffectState.failed]


def _broken(run: Run | None) -> tuple[Line, ...]:
    """What has failed, is tried again or is warned of in a run that goes on; when it ends, its outcome names them."""
    if run is None or run.state not in OPEN:
        return ()
    at = run.acted_at or run.decided_at
    words = {EffectState.failed: "failed", EffectState.intended: "not yet"}
    return tuple(
        Line(at, f"{what(one.step)} {words[one.state]}: {one.found}")
        for one in run.effects
        if one.state in words and one.found
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
