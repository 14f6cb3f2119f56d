"""Metrics that no program exports: from SQL and log lines, by generated exporter input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, model_validator

from handrail.base import declared
from handrail.contract.addresses import like
from handrail.units import Duration

MetricName = Annotated[
    str, Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$", description="a metric's name: letters, digits, _ and :")
]
LabelName = Annotated[
    str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", description="a label's name: letters, digits and _")
]


@declared
class SqlMetric:
    """One metric from one query: the column `value` is its value, the columns in `labels` its labels."""

    name: MetricName
    query: str
    help: str
    labels: Sequence[LabelName] = Field(default=(), kw_only=True)


@declared
class SqlSource:
    """A database that sql_exporter asks `every` so often.

    `database` is an address without password (`postgres://reader@db/aidin`): sql_exporter reads that from
    PGPASSWORD or PGPASSFILE.
    """

    database: Annotated[
        str,
        like(
            r"[a-z0-9]+://[^:@/]*(@|$)[^@]*", "an address without a password, like postgres://reader@db/aidin"
        ),
    ]
    metrics: Annotated[Sequence[SqlMetric], Field(min_length=1)]
    every: Duration = Field(default="30s", kw_only=True)


Pattern = Annotated[str, like(r"[^\n]+", "a Go regular expression, on one line")]


@declared
class LogCounter:
    """A counter of the lines that match one of `patterns` (Go regular expressions)."""

    name: MetricName
    patterns: Annotated[Sequence[Pattern], Field(min_length=1)]


@declared
class AccessLog:
    """An access log whose lines hold a status, and end with the request's time in seconds.

    The line is matched by `pattern`, a Go regular expression with the groups `status` and `seconds`.
    """

    requests: MetricName
    duration: MetricName
    buckets: Annotated[Sequence[float], Field(min_length=1)]
    pattern: Pattern = r'" (?P<status>\d{3}) .* (?P<seconds>\d+\.\d+)$'

    @model_validator(mode="after")
    def _groups(self) -> AccessLog:
        if missing := [group for group in ("status", "seconds") if f"(?P<{group}>" not in self.pattern]:
            raise ValueError(
                f"pattern= has no group {' and no group '.join(missing)}; write (?P<{missing[0]}>…)"
            )
        return self


@declared
class LogSource:
    """Log lines that mtail reads."""

    access: AccessLog | None = Field(default=None, kw_only=True)
    counters: Sequence[LogCounter] = Field(default=(), kw_only=True)
