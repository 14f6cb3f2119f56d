"""counter-as-gauge: a counter is read as if it were a gauge.

A counter only rises: `Gauge("errors_total")` above 100 fires some day and never stops, and after a restart it stays
silent whatever happens. A panel of it is a slope that says nothing. A metric is a counter if its source in `logs=`
or its name says so. Free PromQL is checked as well: `sum(errors_total)` without `rate()` or `increase()`.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.kinds import Kind, declared_kinds, kind_by_name, readings

NAME = "counter-as-gauge"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every gauge that is a counter by its source or its name."""
    told = declared_kinds(rollout)
    for reading in readings(rollout):
        measure = reading.entry.measure
        if reading.kind is Kind.counter or not reading.is_amount:
            continue
        if told.get(reading.metric, kind_by_name(reading.metric)) is Kind.counter:
            name = reading.metric if reading.free else getattr(measure, reading.field)
            what = f"reads the counter {name} {'without its rate' if reading.free else 'as a gauge'}"
            cure = (
                "write rate() or increase() of it"
                if reading.free
                else "use Rate or Increase, or give the gauge a name without _total"
            )
            yield finding(
                NAME, measure, what, cure, reading.field, about=reading.entry.of, severity=Severity.warning
            )
