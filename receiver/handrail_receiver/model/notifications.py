"""What was delivered: a notification and the alerts in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Signal:
    """One alert, as a notification states it. `starts_at` is evidence only: Alertmanager may move it.

    `ends_at` is when one that is resolved ended; it tells an end that arrives late from that of what fires now.
    """

    firing: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: datetime | None = None
    fingerprint: str = ""
    ends_at: datetime | None = None


@dataclass(frozen=True)
class Notification:
    """What one delivery says. `truncated` alerts were cut off by the sender: of those we know nothing."""

    signals: tuple[Signal, ...]
    truncated: int = 0
    dialect: str = "4"


@dataclass(frozen=True)
class Received:
    """A delivery on its way into the inbox: when, from whom, and its body as it came."""

    at: datetime
    source: str
    body: bytes


@dataclass(frozen=True)
class Stored(Received):
    """A delivery that is on disk."""

    number: int = 0
