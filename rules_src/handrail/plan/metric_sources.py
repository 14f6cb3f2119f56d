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
class LogSource:
    """Log lines: an access log, and counters as (name, patterns)."""

    access: AccessLog | None
    counters: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class ScrapeJob:
    """One Prometheus scrape job."""

    job: str
    addresses: tuple[str, ...]
    path: str
    labels: tuple[tuple[str, str], ...]
    drop_prefix: str
