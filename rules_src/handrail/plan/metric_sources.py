"""Where metrics come from when no program exports them, and what is scraped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal


@dataclass(frozen=True)
class SqlMetric:
    """One metric from one query."""

    name: str
    query: str
    help: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class SqlSource:
    """A database, asked `every` so often."""

    database: str
    metrics: tuple[SqlMetric, ...]
    every: timedelta


@dataclass(frozen=True)
class AccessLog:
    """Requests by status and their times, out of an access log; buckets in seconds."""

    requests: str
    duration: str
    buckets: tuple[Decimal, ...]
    pattern: str


@dataclass(frozen=True)
class LogCounter:
    """How many lines match one of `patterns` and none of `ignoring`, or what their groups `value` add up to.

    It is told apart by the named groups in `labels`. Beside a pattern stands the value of the one label, where the line
    does not say it.
    """

    name: str
    patterns: tuple[tuple[str, str | None], ...]
    labels: tuple[str, ...]
    ignoring: tuple[str, ...]


@dataclass(frozen=True)
class LogHistogram:
    """The number in a line's group `value`, times `scale` in seconds; buckets in seconds."""

    name: str
    pattern: str
    buckets: tuple[Decimal, ...]
    scale: Decimal


@dataclass(frozen=True)
class LogGauge:
    """What the newest line's group `value` says: a number, or what `values` makes of its text."""

    name: str
    pattern: str
    values: tuple[tuple[str, Decimal], ...]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class LogSeen:
    """1 for each text of the group `label` that was seen `within` so long."""

    name: str
    pattern: str
    label: str
    within: timedelta


@dataclass(frozen=True)
class LogSource:
    """Log lines, and what is made of them. `alive` are counters of the lines by which it is known that they still come."""

    access: AccessLog | None
    counters: tuple[LogCounter, ...]
    histograms: tuple[LogHistogram, ...]
    gauges: tuple[LogGauge, ...]
    seen: tuple[LogSeen, ...]
    alive: tuple[LogCounter, ...]


@dataclass(frozen=True)
class Container:
    """A container that answers where a job scrapes."""

    image: str
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    volumes: tuple[str, ...]
    sees_machine: bool


@dataclass(frozen=True)
class ScrapeJob:
    """One Prometheus scrape job; `container` is None where what it scrapes runs already."""

    job: str
    addresses: tuple[str, ...]
    path: str
    labels: tuple[tuple[str, str], ...]
    drop_prefix: str
    container: Container | None
