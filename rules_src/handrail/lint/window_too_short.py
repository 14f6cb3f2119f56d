"""window-too-short: a measure's window does not hold the samples it needs.

A rate needs two samples: under twice the scrape interval it has mostly none, and under four times it has none
once a single scrape fails. At 3 a.m. that is a guardrail that goes blind by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Gauge, Rollout
from handrail.declare.measures import window_of
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import Measured, measured
from handrail.units import duration

NAME = "window-too-short"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every window against the scrape interval."""
    for entry in measured(rollout):
        yield from _window(rollout, entry)


def _window(rollout: Rollout, entry: Measured) -> Iterator[Finding]:
    measure = entry.measure
    window = None if isinstance(measure, Gauge) else window_of(measure)
    if window is None or duration(window) >= 4 * duration(rollout.scrape):
        return
    few = duration(window) < 2 * duration(rollout.scrape)
    with_one = "holds no two samples" if few else "holds no two samples once a scrape fails"
    what = f"has a window of {window}, which {with_one}: a scrape comes every {rollout.scrape}"
    cure = f"widen window= to at least four times {rollout.scrape}"
    severity = Severity.error if few else Severity.warning
    yield finding(NAME, measure, what, cure, "window", about=entry.of, severity=severity)
