"""timestamp-as-gauge: a timestamp is read as if it were an amount of time.

`Gauge("backup_last_success_timestamp_seconds", unit="seconds")` is the time since 1970, which is above every limit in
hours. `Age(…)` is how long ago it was, `TimeUntil(…)` how long it is until then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handrail.declare import Forecast, Gauge, Growth, Rollout
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import measured
from handrail.promql.syntax import selector

NAME = "timestamp-as-gauge"

_STAMP = re.compile(r".*(_timestamp|_start_time)(_seconds|_milliseconds|_ms)?")


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every gauge whose name says that it is a timestamp."""
    for entry in measured(rollout):
        measure = entry.measure
        if isinstance(measure, Gauge | Growth | Forecast) and entry.panel is None:
            metric = selector(measure.metric).metric
            if _STAMP.fullmatch(metric):
                what = f"reads the timestamp {metric} as a gauge, which is the time since 1970"
                cure = "use Age or TimeUntil, or Changes for how often it changed"
                yield finding(NAME, measure, what, cure, "metric", about=entry.of)
