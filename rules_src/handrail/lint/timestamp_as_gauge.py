"""timestamp-as-gauge: a timestamp is read as if it were an amount of time.

`Gauge("backup_last_success_timestamp_seconds", unit="seconds")` is the time since 1970, which is above every limit in
hours. `Age(…)` is how long ago it was, `TimeUntil(…)` how long it is until then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handrail.declare import (
    Absence,
    Age,
    Changes,
    Count,
    Difference,
    Distribution,
    Forecast,
    Gauge,
    Growth,
    Increase,
    Latency,
    PromQL,
    Rate,
    Ratio,
    Rollout,
    SlowerThan,
    State,
    TimeUntil,
    Usage,
    While,
)
from handrail.declare.dashboard import Drawable
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import measured
from handrail.promql.syntax import selector

NAME = "timestamp-as-gauge"

_STAMP = re.compile(r".*(_timestamp|_start_time)(_seconds|_milliseconds|_ms)?")


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every gauge whose name says that it is a timestamp."""
    for entry in measured(rollout):
        measure = entry.measure
        gauge = _gauge(measure) if entry.panel is None else None
        if gauge is not None and _STAMP.fullmatch(metric := selector(gauge).metric):
            what = f"reads the timestamp {metric} as a gauge, which is the time since 1970"
            cure = "use Age or TimeUntil, or Changes for how often it changed"
            yield finding(NAME, measure, what, cure, "metric", about=entry.of)


def _gauge(measure: Drawable) -> str | None:
    """The one gauge whose amount it judges."""
    match measure:
        case Gauge(metric=metric) | Growth(metric=metric) | Forecast(metric=metric):
            return metric
        case Difference() | Usage() | State() | PromQL():
            return None
        case Ratio() | Latency() | SlowerThan() | Increase() | Rate() | Distribution():
            return None
        case Age() | TimeUntil() | Count() | Changes() | Absence() | While():
            return None
