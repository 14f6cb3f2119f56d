"""What happened to a rollout, as people are told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

Status = Literal["open", "acknowledged", "resolved", "checked"]
"""`checked` is the message of a declared check: no incident, and told once."""
Severity = Literal["critical", "error", "warning", "info"]
SEVERITIES: tuple[str, ...] = ("info", "warning", "error", "critical")


@dataclass(frozen=True)
class LastReceipt:
    """What somebody was told of an incident last, as receipts keep it; empty words for what was never told."""

    status: str
    severity: str

    def is_news(self, incident: ToldIncident) -> bool:
        """Whether it became graver, or is open again: what nobody should have to notice by themselves."""
        graver = self.severity in SEVERITIES[: SEVERITIES.index(incident.severity)]
        return graver or (incident.status == "open" and self.status != "open")


@dataclass(frozen=True)
class Line:
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
    """The state of one incident now. `key` is the attempt's: everything told under one key is about one incident.

    `lines` are oldest first; instants are timezone-aware. `version` grows with each state that is told, and is the
    same for each try at telling one.
    """

    key: str
    rollout: str
    service: str
    title: str
    status: Status
    severity: Severity
    lines: tuple[Line, ...]
    links: tuple[Link, ...]
    opened: datetime
    updated: datetime
    resolved: datetime | None = None
    version: int = 0

    @property
    def pressing(self) -> bool:
        """Whether people must hear of it at once, and not only some time."""
        return self.status != "resolved" and self.severity in {"critical", "error"}

    def as_opened(self) -> ToldIncident:
        """The same while it lasted: what is told first to those who never heard that it was opened."""
        return replace(self, status="open", resolved=None)

    def and_also(self, lines: tuple[Line, ...]) -> ToldIncident:
        """The same with more lines at the end."""
        return replace(self, lines=(*self.lines, *lines))

    def cleaned(self, redact: Callable[[str], str]) -> ToldIncident:
        """The same incident with `redact` applied to every text in it."""
        return replace(
            self,
            title=redact(self.title),
            lines=tuple(Line(line.at, redact(line.text)) for line in self.lines),
            links=tuple(Link(redact(link.text), redact(link.url)) for link in self.links),
        )
