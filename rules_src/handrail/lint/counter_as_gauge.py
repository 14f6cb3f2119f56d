"""counter-as-gauge: a counter is read as if it were a gauge.

A counter only rises: `Gauge("errors_total")` above 100 fires some day and never stops, and after a restart it stays
silent whatever happens.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Forecast, Gauge, Growth, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import measured
from handrail.promql.syntax import selector

NAME = "counter-as-gauge"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every gauge whose name says that it is a counter."""
    for entry in measured(rollout):
        measure = entry.measure
        if isinstance(measure, Gauge | Growth | Forecast) and selector(measure.metric).metric.endswith(
            "_total"
        ):
            what = f"reads the counter {measure.metric} as a gauge"
            cure = "use Rate or Increase, or give the gauge a name without _total"
            yield finding(NAME, measure, what, cure, "metric", about=entry.of, severity=Severity.warning)
