"""Records of the evidence → the incidents that rollbacks opened: what is known of each, until a person has closed it.

An incident is its events, in the order of the chain; nothing else is stored about it but which incidents are open.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from handrail.contract import names

from handrail_receiver.model.records import EvidenceRecord

INCIDENT = "incident"
"""The kind of the records that are events of incidents."""

STAYS_OPEN = names.ACTING[1:]
"""The rollbacks whose incident is over for nobody until a person closes it."""


class IncidentEvent(StrEnum):
    """What happens to an incident. The first six are what people are asked to acknowledge."""

    opened = "opened"
    graver = "graver"
    more = "more"
    failed = "failed"
    undone = "undone"
    reopened = "reopened"
    acknowledged = "acknowledged"
    late = "late"
    impact = "impact"
    noted = "noted"
    closed = "closed"


KNOWN = frozenset(event.value for event in IncidentEvent)

ASKING = frozenset(
    {
        IncidentEvent.opened,
        IncidentEvent.graver,
        IncidentEvent.more,
        IncidentEvent.failed,
        IncidentEvent.undone,
        IncidentEvent.reopened,
    }
)
"""What wants an acknowledgement, and ends the one before."""

ONE_ANSWER = ("cause", "fix", "prevention", "user_impact", "review", "attendees")
"""What people say of an incident once; the last word counts."""

NOTES = (*ONE_ANSWER, "follow_up", "text")
"""All that people say of one; of the last two they say as many as they like."""


@dataclass(frozen=True)
class Happened:
    """One event of an incident: who, and in words; `said` is what it says besides."""

    at: datetime
    event: IncidentEvent
    by: str
    text: str
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Impact:
    """The impact of an incident: from the first evaluation that failed until the canary had no traffic any more.

    `share` (0..1) is the canary's share of traffic, `failed` how many requests of the judged arm failed, by
    guardrail. What is not known is None, and `unknown` has the reason; it is never 0 for that.
    """

    began: datetime | None = None
    ended: datetime | None = None
    share: float | None = None
    failed: Mapping[str, float] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def duration(self) -> timedelta | None:
        """How long the limit was broken while the canary had traffic; None where that is unknown."""
        return self.ended - self.began if self.began is not None and self.ended is not None else None

    def said(self) -> dict[str, object]:
        """The same for JSON."""
        return {
            "began": self.began.isoformat() if self.began else None,
            "ended": self.ended.isoformat() if self.ended else None,
            "share": self.share,
            "failed": dict(self.failed),
            "unknown": dict(self.unknown),
        }


@dataclass(frozen=True)
class Acknowledged:
    """Somebody has it. `after` is how long that took since it was asked for."""

    at: datetime
    by: str
    after: timedelta


@dataclass(frozen=True)
class Closed:
    """A person has closed it, with a reason."""

    at: datetime
    by: str
    why: str


@dataclass(frozen=True)
class Incident:
    """What a rollback opened, or an alert that wakes people, and what is known of it now.

    `id` is its name in messages, PagerDuty and webhooks; `attempt` is the attempt's row, `number` its number (0: before
    the first one).
    `action` is the strongest that was asked for, `trigger` the reason, `source` the alert that asked for it as
    guardrail/tier (empty: no alert did), and `severity` the rollout's word for it. `asked` is since when it waits to
    be acknowledged, `late` are the deadlines for that which have passed, in seconds. `false_rollback` is what people
    say: whether the rollback was a false one.
    """

    id: str
    rollout: str
    attempt: int
    number: int
    opened: datetime
    asked: datetime
    action: str
    trigger: str
    by: str
    source: str = ""
    severity: str = ""
    stage: str = ""
    acknowledged: Acknowledged | None = None
    late: tuple[float, ...] = ()
    impact: Impact | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    follow_ups: tuple[str, ...] = ()
    false_rollback: bool | None = None
    closed: Closed | None = None
    events: tuple[Happened, ...] = ()

    @property
    def open(self) -> bool:
        """Whether nobody has closed it yet."""
        return self.closed is None

    @property
    def stays_open(self) -> bool:
        """Whether it is over for nobody before a person closes it, though its rollback got through."""
        return self.open and self.action in STAYS_OPEN

    @property
    def needs_cause(self) -> bool:
        """Whether it may not be closed without a cause: an emergency or security incident, unless its rollback was a
        false one.
        """
        return self.action in STAYS_OPEN and not self.false_rollback and not self.notes.get("cause")

    @property
    def had_until(self) -> datetime | None:
        """When it was acknowledged last: what began before is had by somebody, also once people are asked again.

        None where nobody has acknowledged it since it was opened, or opened again.
        """
        acknowledged_at: datetime | None = None
        for one in self.events:
            if one.event is IncidentEvent.acknowledged:
                acknowledged_at = one.at
            elif one.event is IncidentEvent.reopened:
                acknowledged_at = None
        return acknowledged_at

    def says(self, name: str, said: object) -> bool:
        """Whether it says this already: who sends a note twice notes it once."""
        if name == "text":
            return any(one.event is IncidentEvent.noted and one.text == said for one in self.events)
        if name == "false_rollback":
            return self.false_rollback is said
        return said in self.follow_ups if name == "follow_up" else self.notes.get(name) == said

    def noted(self, said: Mapping[str, Any]) -> Incident:
        """The same once so much more was said of it."""
        notes = {name: str(said[name]) for name in ONE_ANSWER if said.get(name)}
        more = (str(said["follow_up"]),) if said.get("follow_up") else ()
        false = said.get("false_rollback")
        return replace(
            self,
            notes={**self.notes, **notes},
            follow_ups=(*self.follow_ups, *more),
            false_rollback=self.false_rollback if false is None else bool(false),
        )


def incident_id(rollout: str, attempt: int) -> str:
    """What an incident of an attempt (its row) is called."""
    return f"{rollout}-{attempt}"


def incidents_of(records: Iterable[EvidenceRecord], before: Iterable[Incident] = ()) -> tuple[Incident, ...]:
    """The incidents in these records, the oldest first; `before` are those whose beginning is in an earlier record.

    What is said of any other incident before it was opened is skipped, and so is an event that this version does not
    know: a newer receiver of the same store wrote it, and no rollback waits for it to be understood.
    """
    by_attempt = {one.attempt: one for one in before}
    for record in records:
        if record.kind != INCIDENT:
            continue
        said = json.loads(record.body)
        if said["event"] not in KNOWN:
            continue
        attempt, happened = int(said["attempt"]), _happened(record, said)
        if attempt in by_attempt:
            by_attempt[attempt] = after_event(by_attempt[attempt], happened)
        elif happened.event is IncidentEvent.opened:
            by_attempt[attempt] = opened(record.rollout, attempt, happened)
    return tuple(by_attempt.values())


def _happened(record: EvidenceRecord, said: Mapping[str, Any]) -> Happened:
    rest = {name: value for name, value in said.items() if name not in {"event", "by", "text", "attempt"}}
    return Happened(record.at, IncidentEvent(said["event"]), str(said["by"]), str(said["text"]), rest)


def opened(rollout: str, attempt: int, happened: Happened) -> Incident:
    """The incident that begins with an event."""
    said = happened.said
    return Incident(
        id=incident_id(rollout, attempt),
        rollout=rollout,
        attempt=attempt,
        number=int(said.get("number", 0)),
        opened=happened.at,
        asked=happened.at,
        action=str(said.get("action", names.ACTING[0])),
        trigger=happened.text,
        by=happened.by,
        source=str(said.get("source", "")),
        severity=str(said.get("severity", "")),
        stage=str(said.get("stage", "")),
        events=(happened,),
    )


def after_event(incident: Incident, happened: Happened) -> Incident:
    """An incident once something more has happened to it."""
    incident = replace(incident, events=(*incident.events, happened))
    match happened.event:
        case IncidentEvent.opened | IncidentEvent.graver | IncidentEvent.more | IncidentEvent.failed:
            return _asks_again(incident, happened)
        case IncidentEvent.undone | IncidentEvent.reopened:
            return _asks_again(incident, happened)
        case IncidentEvent.acknowledged:
            took = happened.at - incident.asked
            return replace(incident, acknowledged=Acknowledged(happened.at, happened.by, took))
        case IncidentEvent.late:
            return replace(incident, late=(*incident.late, float(happened.said["within"])))
        case IncidentEvent.impact:
            return replace(incident, impact=_impact(happened.said))
        case IncidentEvent.noted:
            return incident.noted(happened.said)
        case IncidentEvent.closed:
            return replace(
                incident.noted(happened.said), closed=Closed(happened.at, happened.by, happened.text)
            )


def _asks_again(incident: Incident, happened: Happened) -> Incident:
    """It became more severe, more fires, or it is open again: whoever had it is asked once more."""
    said = happened.said
    action = str(said.get("action") or incident.action)
    graver = names.ACTIONS.index(action) > names.ACTIONS.index(incident.action)
    return replace(
        incident,
        asked=happened.at,
        acknowledged=None,
        late=(),
        impact=None if happened.event is IncidentEvent.reopened else incident.impact,
        closed=None,
        action=action if graver else incident.action,
        severity=str(said.get("severity") or incident.severity) if graver else incident.severity,
    )


def _impact(said: Mapping[str, Any]) -> Impact:
    def instant(name: str) -> datetime | None:
        return datetime.fromisoformat(said[name]) if said.get(name) else None

    return Impact(
        began=instant("began"),
        ended=instant("ended"),
        share=said.get("share"),
        failed=dict(said.get("failed", {})),
        unknown=dict(said.get("unknown", {})),
    )
