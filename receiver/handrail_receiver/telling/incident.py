"""What happened to a rollout, as people are told of it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from handrail_receiver.telling.life_events import Life

Status = Literal["open", "acknowledged", "resolved", "checked", "report"]
"""`checked` is the message of a declared check, `report` that of a day or a week: no incident, and told once."""
TOLD_ONCE = frozenset({"checked", "report"})
Severity = Literal["critical", "error", "warning", "info"]
SEVERITIES: tuple[str, ...] = ("info", "warning", "error", "critical")


@dataclass(frozen=True)
class LastReceipt:
    """What somebody was told of an incident last, as receipts keep it; empty words for what was never told."""

    status: str
    severity: str

    def is_news(self, incident: ToldIncident) -> bool:
        """Whether it became more severe, or is open again: what nobody should have to notice by themselves."""
        graver = self.severity in SEVERITIES[: SEVERITIES.index(incident.severity)]
        return graver or (incident.status == "open" and self.status != "open")


@dataclass(frozen=True)
class IncidentEntry:
    """One entry of the timeline."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Link:
    """Where to read on: the runbook, the dashboard, the rollout's page."""

    text: str
    url: str


@dataclass(frozen=True)
class ToldIncident:
    """The present state of one incident. `key` is the attempt's: everything that is told under one key is about one
    incident.

    `lines` are oldest first; instants are timezone-aware. `version` grows with each state that is told, and is the
    same for each try at telling one. `html` is a whole report as a file, empty for everything else. `life` has the
    events of an attempt, for a channel that takes events.
    """

    key: str
    rollout: str
    service: str
    title: str
    status: Status
    severity: Severity
    lines: tuple[IncidentEntry, ...]
    links: tuple[Link, ...]
    opened: datetime
    updated: datetime
    resolved: datetime | None = None
    version: int = 0
    html: str = ""
    life: Life | None = None

    @property
    def pressing(self) -> bool:
        """Whether people must hear of it at once, and not only some time."""
        return self.status != "resolved" and self.severity in {"critical", "error"}

    def as_opened(self) -> ToldIncident:
        """The same while it lasted: what is told first to those who never heard that it was opened."""
        return replace(self, status="open", resolved=None)

    def and_also(self, lines: tuple[IncidentEntry, ...]) -> ToldIncident:
        """The same with more lines at the end."""
        return replace(self, lines=(*self.lines, *lines))

    def cleaned(self, redact: Callable[[str], str]) -> ToldIncident:
        """The same incident with `redact` applied to every text in it."""
        return replace(
            self,
            title=redact(self.title),
            lines=tuple(IncidentEntry(line.at, redact(line.text)) for line in self.lines),
            links=tuple(Link(redact(link.text), redact(link.url)) for link in self.links),
            html=redact(self.html),
        )


def words_of(incident: ToldIncident) -> str:
    """What is known once a message was sent that cannot be changed: another one follows when these words are others."""
    return f"{incident.status} {incident.severity} {zlib.crc32(incident.title.encode()):08x}"
