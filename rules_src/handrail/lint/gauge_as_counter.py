"""gauge-as-counter: a gauge is read as if it were a counter.

`Rate("bytes_in_flight")` takes each fall of the gauge for a restart of the program, and counts what is left as new. A
panel of it shows traffic that never was. A metric is a gauge if its source in `logs=` says so, or its name (the gauges
of the usual exporters, `…_ratio`, `…_percent`), or another measure of the rollout that reads it as one.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.kinds import Kind, declared_kinds, kind_by_name, readings

NAME = "gauge-as-counter"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every counter that is a gauge by its source, its name, or elsewhere."""
    told, seen = declared_kinds(rollout), readings(rollout)
    elsewhere = {one.metric: one.entry.of.name for one in seen if one.kind is Kind.gauge and not one.free}
    for reading in seen:
        metric = reading.metric
        if reading.kind is not Kind.counter or told.get(metric) is Kind.counter:
            continue
        if metric in told:
            why, severity = "which its source exports as a gauge", Severity.error
        elif kind_by_name(metric) is Kind.gauge:
            why, severity = "which is a gauge by its name", Severity.warning
        elif metric in elsewhere and kind_by_name(metric) is None:
            why, severity = f"which '{elsewhere[metric]}' reads as a gauge", Severity.warning
        else:
            continue
        what = f"reads {metric} as a counter, {why}"
        cure = "use Gauge, or Growth for how it moves; in PromQL write it without rate()"
        yield finding(
            NAME, reading.entry.measure, what, cure, reading.field, about=reading.entry.of, severity=severity
        )
