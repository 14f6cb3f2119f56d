"""bound-between-buckets: a bound at which the histogram has no bucket.

The share slower than 0.4 s cannot be read from buckets at 0.25 and 0.5: there is no such series, and the guardrail is
blind. A quantile is interpolated linearly between two buckets: a limit of 0.4 s may fire at 0.26 or at 0.49.
`buckets=` says where the boundaries are, in the metric's own unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from handrail.declare import Increase, Latency, Rollout, SlowerThan
from handrail.declare.dashboard import Drawable
from handrail.declare.limits import Limit
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, Named, finding
from handrail.lint.common.limit_figures import figures, uses
from handrail.lint.common.measured import measured
from handrail.units import duration, plain, seconds

NAME = "bound-between-buckets"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every bound and every limit of a latency."""
    for entry in measured(rollout):
        if entry.panel is None or not isinstance(entry.measure, Latency):
            yield from _bound(entry.of, entry.measure)
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            measure = use.measure.inner
            if (
                isinstance(measure, Latency)
                and measure.buckets
                and not measure.native
                and not use.limit.relative
            ):
                yield from _limits(guardrail, measure, use.limit)


def _bound(thing: Named, measure: Drawable) -> Iterator[Finding]:
    if not isinstance(measure, Latency | SlowerThan | Increase):
        return
    written = {SlowerThan: "bound", Increase: "slower_than"}.get(type(measure))
    bound = getattr(measure, written) if written else None
    classic = not getattr(measure, "native", False)
    if isinstance(measure, Increase) and bound is None:
        return
    if classic and not measure.buckets:
        cure = "add buckets=[…] in the metric's own unit, so that bounds can be checked"
        what = "does not say where its histogram has buckets"
        yield finding(NAME, measure, what, cure, about=thing, severity=Severity.info)
    elif classic and written and bound and _scaled(measure, bound) not in _edges(measure):
        what = f"asks for a bucket at {bound}, and there is none: {_shown(measure)}"
        yield finding(NAME, measure, what, "use one of these", written, about=thing)


def _limits(thing: Named, measure: Latency, limit: Limit) -> Iterator[Finding]:
    for figure in figures(limit):
        own = figure.value if measure.unit == "s" else figure.value * 1000
        if own not in _edges(measure) and own < max(_edges(measure)):
            what = f"has a limit of {figure.written} between two buckets, where a quantile is guessed: {_shown(measure)}"
            cure = "move the limit or add a bucket"
            yield finding(NAME, limit, what, cure, *figure.path, about=thing, severity=Severity.warning)


def _scaled(measure: Drawable, bound: str) -> Decimal:
    return seconds(duration(bound)) * (1000 if getattr(measure, "unit", "s") == "ms" else 1)


def _edges(measure: Latency | SlowerThan | Increase) -> set[Decimal]:
    return {Decimal(str(bound)) for bound in measure.buckets}


def _shown(measure: Latency | SlowerThan | Increase) -> str:
    return ", ".join(map(plain, sorted(_edges(measure))))
