"""An attempt with its runs and incident → the events of its life, for those who count deliveries: CDEvents 0.5.1. Pure.

The same event has the same id whenever it is made, so that whoever has it may drop it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from handrail.contract import GivenArms, Playbook, names

from handrail_receiver.model import WORKED, AttemptState, EvidenceRecord, Incident, Run
from handrail_receiver.model.incidents import STAYS_OPEN
from handrail_receiver.store.past_attempts import PastAttempt

SPEC = "0.5.1"
OUTCOMES = {
    AttemptState.complete: "success",
    AttemptState.rolled_back: "failure",
    AttemptState.abandoned: "cancel",
}


@dataclass(frozen=True)
class LifeEvent:
    """One event: its type without the prefix, when it happened, and what it is about. `name` tells it from the others of a life."""

    name: str
    type: str
    at: datetime
    subject: str
    content: dict[str, Any]


@dataclass(frozen=True)
class Life:
    """All of them, in order, of one attempt of a rollout."""

    rollout: str
    attempt: int
    events: tuple[LifeEvent, ...]

    def id_of(self, event: LifeEvent, source: str) -> str:
        """The same for the same event of the same source."""
        return str(uuid5(NAMESPACE_URL, f"{source}#{self.rollout}/{self.attempt}/{event.name}"))

    def chain(self, source: str) -> str:
        """What all events of a life have in common."""
        return str(uuid5(NAMESPACE_URL, f"{source}#{self.rollout}/{self.attempt}"))


def life_of(
    past: PastAttempt,
    records: Sequence[EvidenceRecord],
    incident: Incident | None,
    playbook: Playbook,
    artifact: str,
    page: str,
) -> Life:
    """The events so far. `records` are the newest of the rollout, `page` is where the attempt is shown, or empty."""
    events = sorted(
        _events(past, records, incident, playbook, artifact, page), key=lambda one: (one.at, one.name)
    )
    return Life(past.attempt.rollout, past.attempt.id, tuple(events))


def _events(
    past: PastAttempt,
    records: Sequence[EvidenceRecord],
    incident: Incident | None,
    playbook: Playbook,
    artifact: str,
    page: str,
) -> Iterator[LifeEvent]:
    attempt, environment = past.attempt, {"id": playbook.environment or "default"}
    subject = f"{attempt.rollout}/{attempt.number}"
    shown = [one for one in (page, playbook.dashboard_url, playbook.runbook_url) if "://" in one]
    run = {"pipelineName": attempt.rollout, "uri": next(iter(shown), f"urn:handrail:{subject}")}
    new, old = _artifacts(playbook, artifact)
    yield LifeEvent("started", "pipelinerun.started.0.3.0", attempt.started_at, subject, run)
    back = _rolled_back(past.runs)
    if back is not None and back.finished_at is not None:
        deployed = {"environment": environment, "artifactId": old}
        yield LifeEvent(
            f"rolledback-{back.id}", "service.rolledback.0.3.0", back.finished_at, attempt.service, deployed
        )
    if attempt.state in OUTCOMES:
        at = _ended(past, records, back)
        if attempt.state == AttemptState.complete:
            deployed = {"environment": environment, "artifactId": new}
            yield LifeEvent("upgraded", "service.upgraded.0.3.0", at, attempt.service, deployed)
        ended = {**run, "outcome": OUTCOMES[attempt.state]}
        if back is not None:
            ended["errors"] = back.reason
        yield LifeEvent("finished", "pipelinerun.finished.0.3.0", at, subject, ended)
    if incident is not None:
        told = {"environment": environment, "service": {"id": attempt.service}, "artifactId": new}
        yield from _of_incident(incident, told, back)


def _of_incident(incident: Incident, told: dict[str, Any], back: Run | None) -> Iterator[LifeEvent]:
    """It is resolved once its rollback got through; an emergency's or a security rollback's once a person closed it."""
    detected = {**told, "description": incident.trigger}
    yield LifeEvent("detected", "incident.detected.0.3.0", incident.opened, incident.id, detected)
    over, why = (back.finished_at, back.text) if back is not None else (None, "")
    if incident.action in STAYS_OPEN:
        over, why = (incident.closed.at, incident.closed.why) if incident.closed is not None else (None, "")
    if over is not None:
        resolved = {**told, "description": why or "the rollback is done"}
        at = max(over, incident.opened)
        yield LifeEvent("resolved", "incident.resolved.0.3.0", at, incident.id, resolved)


def _rolled_back(runs: Sequence[Run]) -> Run | None:
    """The last rollback that got through."""
    through = [run for run in runs if run.action in names.ACTING and run.state in WORKED]
    return through[-1] if through else None


def _ended(past: PastAttempt, records: Sequence[EvidenceRecord], back: Run | None) -> datetime:
    """When it was complete, rolled back or abandoned: its last decision, where that is among the newest records."""
    if past.attempt.state == AttemptState.rolled_back and back is not None and back.finished_at is not None:
        return back.finished_at
    wanted = {AttemptState.complete: "promote"}.get(past.attempt.state, "abandon")
    instants = [
        one.at
        for one in records
        if one.kind == "decision"
        for said in [json.loads(one.body)]
        if said.get("attempt") == past.attempt.id and said["action"] == wanted and said["verdict"] == "act"
    ]
    return max([past.attempt.stage_entered_at, *instants])


def _artifacts(playbook: Playbook, artifact: str) -> tuple[str, str]:
    """What goes out, and what it goes back to, as package URLs; without a version where nobody said it."""
    arms = playbook.arms
    versions = (arms.canary, arms.stable) if isinstance(arms, GivenArms) else ("", "")
    return _purl(playbook.service, artifact or versions[0]), _purl(playbook.service, versions[1])


def _purl(service: str, version: str) -> str:
    if version.startswith("pkg:"):
        return version
    return f"pkg:generic/{quote(service, safe='')}" + (f"@{quote(version, safe='')}" if version else "")


def cdevent(life: Life, event: LifeEvent, source: str) -> dict[str, Any]:
    """The CDEvent in its CloudEvent, as JSON has it."""
    at = f"{event.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    known = {"id": life.id_of(event, source), "source": source, "type": f"dev.cdevents.{event.type}"}
    context = {"specversion": SPEC, **known, "timestamp": at, "chainId": life.chain(source)}
    return {
        "specversion": "1.0",
        **known,
        "subject": event.subject,
        "time": at,
        "datacontenttype": "application/json",
        "data": {
            "context": context,
            "subject": {"id": event.subject, "source": source, "content": event.content},
        },
    }
