"""Metrics that no program exports: from SQL and log lines, by generated exporter input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from handrail.base import declared
from handrail.contract.addresses import like
from handrail.units import Duration, Period

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
    """A database that sql_exporter queries `every` so often.

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


def _has_groups(patterns: Sequence[str], groups: Sequence[str]) -> None:
    for pattern in patterns:
        if missing := [group for group in groups if f"(?P<{group}>" not in pattern]:
            raise ValueError(
                f"pattern {pattern!r} has no group {' and no group '.join(missing)}; write (?P<{missing[0]}>…)"
            )


LabelText = Annotated[str, like(r'[^"\\\\\n]+', "a text without quotes")]


@declared
class LogCounter:
    """A counter of the lines that match one of `patterns` (Go regular expressions); a line counts once, or as many times as
    the number in the group `value` says where its pattern has one: `r"tests passed=(?P<value>\\d+)"`.

    `labels` are named groups that each pattern has: `LogCounter("writes_total", [r"success=(?P<success>\\w+)"],
    labels=["success"])`. Or `patterns` are a dict whose keys are the values of the one label: who wrote the line. A
    failure that several programs log, each once, is then counted once for each of them: `Increase(…, by=["source"])`
    judges each separately. These series are there, and 0, from the first line on. A line that matches one of `ignoring`
    never counts.
    """

    name: MetricName
    patterns: (
        Annotated[Sequence[Pattern], Field(min_length=1)]
        | Annotated[
            Mapping[LabelText, Annotated[Sequence[Pattern], Field(min_length=1)]], Field(min_length=1)
        ]
    )
    labels: Sequence[LabelName] = Field(default=(), kw_only=True)
    ignoring: Sequence[Pattern] = Field(default=(), kw_only=True)

    @model_validator(mode="after")
    def _groups(self) -> LogCounter:
        if not isinstance(self.patterns, Mapping):
            _has_groups(self.patterns, self.labels)
        elif len(self.labels) != 1:
            raise ValueError(
                'the keys of patterns= are the values of one label; name it, like labels=["source"]'
            )
        return self


@declared
class LogHistogram:
    """A histogram in seconds of the number in the group `value` of the lines that match `pattern`, written in `unit`."""

    name: MetricName
    pattern: Pattern
    buckets: Annotated[Sequence[float], Field(min_length=1)]
    unit: Literal["s", "ms"] = Field(default="s", kw_only=True)

    @model_validator(mode="after")
    def _groups(self) -> LogHistogram:
        _has_groups([self.pattern], ["value"])
        return self


@declared
class LogGauge:
    """The value in the newest line that matches `pattern`: the number in the group `value`, or the number that `values`
    has for its text. `labels` are named groups that become its labels; without them its label is `line="newest"`. The
    metric does not exist before its first line, also after a restart of mtail.

    `LogGauge("fast_path_enabled", r"FAST_PATH_ENABLED=(?P<value>\\w+)", values={"true": 1, "false": 0})`.
    """

    name: MetricName
    pattern: Pattern
    values: Mapping[LabelText, float] = Field(default_factory=dict, kw_only=True)
    labels: Sequence[LabelName] = Field(default=(), kw_only=True)

    @model_validator(mode="after")
    def _groups(self) -> LogGauge:
        _has_groups([self.pattern], ["value", *self.labels])
        return self


@declared
class LogSeen:
    """A series that is 1 for each text of the group `label` that was seen within the last `within`; `Count(name)` counts them.

    mtail removes old ones in intervals: set them with `--expired_metrics_gc_interval=1m`.
    """

    name: MetricName
    pattern: Pattern
    label: LabelName
    within: Period = Field(default="1h", kw_only=True)

    @model_validator(mode="after")
    def _groups(self) -> LogSeen:
        _has_groups([self.pattern], [self.label])
        return self


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
    """Log lines that mtail reads, and what it makes of them.

    A log that no longer arrives looks like one without errors. So its metrics are unknown, and its guardrails blind,
    when one of the patterns in `alive` has matched no line for `silent_after`. The default matches any line. If mtail
    reads several logs, write a source for each, with a pattern of its lines: then a log that stops blinds only what
    comes from it. If a metric comes from two logs, declare one source with a pattern for each.
    """

    access: AccessLog | None = Field(default=None, kw_only=True)
    counters: Sequence[LogCounter] = Field(default=(), kw_only=True)
    histograms: Sequence[LogHistogram] = Field(default=(), kw_only=True)
    gauges: Sequence[LogGauge] = Field(default=(), kw_only=True)
    seen: Sequence[LogSeen] = Field(default=(), kw_only=True)
    alive: Annotated[Sequence[Pattern], Field(min_length=1)] = Field(default=(".",), kw_only=True)
    silent_after: Duration = Field(default="10m", kw_only=True)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all that it makes."""
        access = () if self.access is None else (self.access.requests, self.access.duration)
        several = (self.counters, self.histograms, self.gauges, self.seen)
        return (*access, *(one.name for group in several for one in group))
