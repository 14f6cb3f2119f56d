"""The record of a load burst → the message about it: how many were sent and failed, of what, and how long answers took."""

from __future__ import annotations

from collections.abc import Iterator

from handrail_receiver.evidence.burst import BurstRecord, Seconds, unsaid
from handrail_receiver.model import EvidenceRecord
from handrail_receiver.telling.compose import IncidentSubject
from handrail_receiver.telling.incident import IncidentEntry, ToldIncident


def burst_message(key: str, subject: IncidentSubject, record: EvidenceRecord) -> ToldIncident:
    """The result."""
    said = BurstRecord.model_validate_json(record.body)
    what = f"load burst {said.burst} of stage {said.stage}{', late' if said.late else ''}"
    return ToldIncident(
        key=key,
        rollout=subject.rollout,
        service=subject.service,
        title=f"{subject.rollout}: {what}: {'OK' if said.ok else 'not OK'}",
        status="checked",
        severity="info" if said.ok else "warning",
        lines=tuple(IncidentEntry(record.at, text) for text in _lines(said)),
        links=subject.links,
        opened=record.at,
        updated=record.at,
    )


def _lines(said: BurstRecord) -> Iterator[str]:
    if said.ended != "done":
        yield f"{said.ended}: {said.why}" if said.why else said.ended
    users = f"{said.users} {'user' if said.users == 1 else 'users'}"
    if not said.known:
        yield f"{unsaid(said.requests)}: {said.method} {said.url}"
        return
    yield f"{said.sent} of {said.requests} requests sent by {users}: {said.method} {said.url}"
    yield f"{said.answered} answered, {said.failed} failed"
    yield from (f"failed with {what}: {count}" for what, count in said.errors.items())
    yield f"answers took {_took(said.seconds)}" if said.seconds is not None else "nothing was answered"


def _took(times: Seconds) -> str:
    ranks = {"p50": times.p50, "p90": times.p90, "p95": times.p95, "p99": times.p99, "max": times.max}
    shown = (f"{name} {_seconds(value)}" for name, value in {"mean": times.mean, **ranks}.items())
    return ", ".join(shown)


def _seconds(value: float) -> str:
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
