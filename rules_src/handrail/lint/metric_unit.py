"""metric-unit: a metric's name ends in another unit than its declaration says.

`Increase("request_duration_milliseconds", slower_than="1s")` without `unit="ms"` reads the bucket at 1, which is one
millisecond: every request is slow. With the unit of the name, limits and bounds mean what they say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
from handrail.lint.common.measured import measured, written
from handrail.promql.syntax import selector

NAME = "metric-unit"

_ENDINGS = {
    "_seconds": "seconds",
    "_milliseconds": "milliseconds",
    "_millis": "milliseconds",
    "_ms": "milliseconds",
    "_msec": "milliseconds",
    "_microseconds": "microseconds",
    "_us": "microseconds",
    "_usec": "microseconds",
    "_nanoseconds": "nanoseconds",
    "_ns": "nanoseconds",
    "_minutes": "minutes",
    "_hours": "hours",
    "_bytes": "bytes",
    "_kilobytes": "kilobytes",
    "_kb": "kilobytes",
    "_megabytes": "megabytes",
    "_mb": "megabytes",
    "_bits": "bits",
    "_ratio": "ratio",
    "_percent": "percent",
    "_percentage": "percent",
}
_HISTOGRAMS = {"s": "seconds", "ms": "milliseconds"}
_WRITTEN = {unit: short for short, unit in _HISTOGRAMS.items()}
_GAUGES = {unit: unit for unit in ("ratio", "percent", "seconds", "milliseconds", "bytes")}
_GROWTH = {"bytes": "bytes"}


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every histogram that is read in time, and every gauge with a unit."""
    for entry in measured(rollout):
        measure = entry.measure
        metric, declared, known = _declared(measure)
        named = next((unit for ending, unit in _ENDINGS.items() if metric.endswith(ending)), declared)
        if named != declared:
            what = f"reads {metric} in {declared}, and its name says {named}"
            yield finding(NAME, measure, what, _cure(named, known), "unit", about=entry.of)


def _declared(measure: Drawable) -> tuple[str, str, Mapping[str, str]]:
    """The metric, the unit it is read in, and those it could be read in, as they are written.

    A plain number may be anything.
    """
    match measure:
        case Latency() | SlowerThan() | Distribution():
            return selector(measure.histogram).metric, _HISTOGRAMS[measure.unit], _WRITTEN
        case Increase(counter=counter) if measure.slower_than is not None:
            return selector(written(counter)[0]).metric, _HISTOGRAMS[measure.unit], _WRITTEN
        case Age() | TimeUntil():
            return selector(measure.timestamp).metric, _HISTOGRAMS[measure.unit], _WRITTEN
        case Gauge() | Difference() | Forecast() if measure.unit in _GAUGES:
            return selector(measure.metric).metric, measure.unit, _GAUGES
        case Growth() if measure.unit in _GROWTH:
            return selector(measure.metric).metric, measure.unit, _GROWTH
        case Gauge() | Difference() | Forecast() | Growth() | Increase() | Rate():
            return "", "", {}
        case Ratio() | Usage() | Count() | Changes() | State() | Absence() | PromQL() | While():
            return "", "", {}


def _cure(named: str, known: Mapping[str, str]) -> str:
    if named in known:
        return f'write unit="{known[named]}"'
    return "record it in seconds or bytes and read that"
