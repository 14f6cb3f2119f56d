"""metric-unit: a metric's name ends in another unit than its declaration says.

`Increase("request_duration_milliseconds", slower_than="1s")` without `unit="ms"` reads the bucket at 1, which is one
millisecond: every request is slow. With the unit of the name, limits and bounds mean what they say.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import (
    Age,
    Difference,
    Distribution,
    Forecast,
    Gauge,
    Growth,
    Increase,
    Latency,
    Rollout,
    SlowerThan,
    TimeUntil,
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
_GAUGES = ("ratio", "percent", "seconds", "milliseconds", "bytes")


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every histogram that is read in time, and every gauge with a unit."""
    for entry in measured(rollout):
        measure = entry.measure
        metric, declared, known = _declared(measure)
        named = next((unit for ending, unit in _ENDINGS.items() if metric.endswith(ending)), declared)
        if named != declared:
            what = f"reads {metric} in {declared}, and its name says {named}"
            yield finding(NAME, measure, what, _cure(measure, named, known), "unit", about=entry.of)


def _declared(measure: Drawable) -> tuple[str, str, tuple[str, ...]]:
    """The metric, the unit it is read in, and those it could be read in; a plain number may be anything."""
    if isinstance(measure, Latency | SlowerThan | Distribution):
        return selector(measure.histogram).metric, _HISTOGRAMS[measure.unit], tuple(_WRITTEN)
    if isinstance(measure, Increase) and measure.slower_than is not None:
        return selector(written(measure.counter)[0]).metric, _HISTOGRAMS[measure.unit], tuple(_WRITTEN)
    if isinstance(measure, Age | TimeUntil):
        return selector(measure.timestamp).metric, _HISTOGRAMS[measure.unit], tuple(_WRITTEN)
    if isinstance(measure, Gauge | Difference | Forecast) and measure.unit not in ("number", "per second"):
        return selector(measure.metric).metric, measure.unit, _GAUGES
    if isinstance(measure, Growth) and measure.unit == "bytes":
        return selector(measure.metric).metric, measure.unit, ("bytes",)
    return "", "", ()


def _cure(measure: Drawable, named: str, known: tuple[str, ...]) -> str:
    if named in known:
        written = named if isinstance(measure, Gauge | Difference | Forecast) else _WRITTEN.get(named, named)
        return f'write unit="{written}"'
    return "record it in seconds or bytes and read that"
