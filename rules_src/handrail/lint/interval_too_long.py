"""interval-too-long: scrapes or evaluations are so far apart that Prometheus forgets one before the next.

A sample counts for five minutes. With `scrape="5m"` a gauge comes and goes, no limit is ever sustained and
nothing ever fires.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from handrail.declare import Rollout
from handrail.lint.common.finding import Finding, finding
from handrail.units import duration

NAME = "interval-too-long"

REMEMBERED = timedelta(minutes=5)


def check(rollout: Rollout) -> Iterator[Finding]:
    """The rollout's two intervals."""
    for field, interval in (("scrape", rollout.scrape), ("evaluate", rollout.evaluate)):
        if duration(interval) * 2 > REMEMBERED:
            what = f"{field}={interval} leaves a gap when one {field} fails: Prometheus forgets a sample after 5m"
            yield finding(NAME, rollout, what, "write 2m or less", field)
