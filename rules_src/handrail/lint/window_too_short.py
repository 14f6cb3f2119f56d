"""window-too-short: a measure's window does not hold the samples it needs.

A rate needs two samples: under twice the scrape interval it has mostly none, and under four times it has none
once a single scrape fails. At 3 a.m. that is a guardrail that goes blind by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Gauge, Guardrail, Rollout
from handrail.declare.measures import Measure, While, window_of
from handrail.errors import Severity
from handrail.lint.finding import Finding, finding
from handrail.units import duration

NAME = "window-too-short"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every window against the scrape interval."""
    for guardrail in rollout.guardrails:
        for measure in _measures(guardrail):
            yield from _window(rollout, guardrail, measure)


def _measures(guardrail: Guardrail) -> Iterator[Measure]:
    for measure in [guardrail.measure, *(other.measure for tier in guardrail.tiers for other in tier.or_)]:
        if isinstance(measure, While):
            yield measure.measure
            yield measure.condition
        else:
            yield measure


def _window(rollout: Rollout, guardrail: Guardrail, measure: Measure) -> Iterator[Finding]:
    window = None if isinstance(measure, Gauge) else window_of(measure)
    if window is None or duration(window) >= 4 * duration(rollout.scrape):
        return
    few = duration(window) < 2 * duration(rollout.scrape)
    with_one = "holds no two samples" if few else "holds no two samples once a scrape fails"
    what = f"has a window of {window}, which {with_one}: a scrape comes every {rollout.scrape}"
    cure = f"widen window= to at least four times {rollout.scrape}"
    severity = Severity.error if few else Severity.warning
    yield finding(NAME, measure, what, cure, "window", about=guardrail, severity=severity)
