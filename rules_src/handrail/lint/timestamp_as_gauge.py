"""timestamp-as-gauge: a timestamp is read as if it were an amount of time.

`Gauge("backup_last_success_timestamp_seconds", unit="seconds")` is the time since 1970, which is above every limit in
hours. `Age(…)` is how long ago it was, `TimeUntil(…)` how long it is until then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.kinds import readings

NAME = "timestamp-as-gauge"

_STAMP = re.compile(r".*(_timestamp|_start_time)(_seconds|_milliseconds|_ms)?")


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every gauge whose name says that it is a timestamp."""
    for reading in readings(rollout):
        entry, metric = reading.entry, reading.metric
        if reading.is_amount and not reading.free and entry.panel is None and _STAMP.fullmatch(metric):
            what = f"reads the timestamp {metric} as a gauge, which is the time since 1970"
            cure = "use Age or TimeUntil, or Changes for how often it changed"
            yield finding(NAME, entry.measure, what, cure, reading.field, about=entry.of)
