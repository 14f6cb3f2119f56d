"""interval-too-short: an environment is so fast that scrapes or evaluations follow each other within less than 100ms.

`Environment(faster=1000)` makes a scrape interval of 15s one of 15ms. No scrape is over so soon, so the guardrails would be
blind; and promtool does not hold as many samples as their tests would need.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from handrail.declare import Environment, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lower.scale import Scale
from handrail.units import duration, span

NAME = "interval-too-short"

LEAST = timedelta(milliseconds=100)


def check(rollout: Rollout, here: Environment) -> Iterator[Finding]:
    """The shorter of the rollout's two intervals, as it is in this environment."""
    intervals = {"scrape": rollout.scrape, "evaluate": rollout.evaluate}
    field = min(intervals, key=lambda one: duration(intervals[one]))
    short = Scale(here.faster).duration(intervals[field])
    if short < LEAST:
        what = (
            f"faster={here.faster} makes {field}={intervals[field]} of rollout '{rollout.name}' {span(short)}, "
            "within which no scrape is over"
        )
        cure = f"write faster={duration(intervals[field]) // LEAST} or less"
        yield finding(NAME, here, what, cure, "faster", severity=Severity.fatal)
