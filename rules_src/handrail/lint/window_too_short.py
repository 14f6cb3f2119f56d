"""window-too-short: a measure's window does not hold the samples it needs.

A rate needs two samples: with less than twice the scrape interval it mostly has no value, and with less than four times
it has none when a single scrape fails. Such a guardrail goes blind without a cause. A gauge's window needs one sample. The same holds
for ranges in free PromQL.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Gauge, PromQL, Rollout
from handrail.declare.measures import window_of
from handrail.errors import Severity
from handrail.lint.common import expressions
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import Measured, measured
from handrail.units import duration, span

NAME = "window-too-short"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every window against the scrape interval."""
    for entry in measured(rollout):
        yield from _window(rollout, entry)


def _window(rollout: Rollout, entry: Measured) -> Iterator[Finding]:
    measure = entry.measure
    if isinstance(measure, PromQL):
        spans = expressions.ranges(measure.expr)
        windows = [
            (span(width), width, needed, "expr", f"the range of {where}") for where, width, needed in spans
        ]
    else:
        written = window_of(measure)
        needed = 1 if isinstance(measure, Gauge) else 2
        windows = [(written, duration(written), needed, "window", "window=")] if written else []
    for shown, width, needed, field, what in windows:
        if width < 2 * needed * duration(rollout.scrape):
            yield _finding(
                rollout, entry, shown, needed, field, what, few=width < needed * duration(rollout.scrape)
            )


def _finding(
    rollout: Rollout, entry: Measured, window: str, needed: int, field: str, where: str, *, few: bool
) -> Finding:
    least = "no two samples" if needed > 1 else "no sample at times"
    with_one = f"holds {least}" if few else f"holds {least} once a scrape fails"
    what = f"has a window of {window}, which {with_one}: a scrape comes every {rollout.scrape}"
    cure = f"widen {where} to at least {'four times' if needed > 1 else 'twice'} {rollout.scrape}"
    severity = Severity.error if few else Severity.warning
    return finding(NAME, entry.measure, what, cure, field, about=entry.of, severity=severity)
