"""source-unlike: a measure uses a label or a bucket that its own source does not provide.

A metric that comes from the rollout's `sql=` or `logs=` has the labels that are declared there.
`Gauge('orders_failed{region="eu"}')` of a query without `region` selects nothing, and neither does a canary's share
of what a database counts for all: the guardrail is blind for ever. What the scrape job adds counts
(`Targets(labels={"track": "canary"})`); where the environment declares none, others may add it, and this is a
warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from handrail.declare import Environment, Increase, Rollout, SlowerThan
from handrail.declare.dashboard import Drawable
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import Measured, measured, series
from handrail.plan import Selector
from handrail.promql.syntax import selector
from handrail.units import duration, plain, seconds

NAME = "source-unlike"

_EXPORTERS = {"job", "instance", "prog", "driver", "host", "database", "user", "col", "le"}
"""What Prometheus, sql_exporter and mtail add by themselves."""


@dataclass(frozen=True)
class _Exported:
    """What a source gives: its labels, and the bounds of its buckets where it is a histogram."""

    labels: frozenset[str]
    buckets: tuple[Decimal, ...] = ()


def check(rollout: Rollout, here: Environment) -> Iterator[Finding]:
    """Every series of a metric that the rollout's own sources export."""
    exported = _exported(rollout)
    added = {label for job in here.scrape for label in job.labels} | _EXPORTERS
    ours = {*rollout.match, *here.match.get(rollout.name, {})}
    for entry in measured(rollout) if exported else ():
        for field, text in series(entry.measure):
            asked = selector(text)
            source = exported.get(asked.metric)
            if source is not None:
                arm = {rollout.arms.label} if rollout.arms is not None and entry.arms else set()
                missing = sorted((_required(asked) | ours | arm) - source.labels - added)
                yield from _labels(entry, field, asked.metric, missing, arm, known=bool(here.scrape))
                yield from _bound(entry, field, source)


def _exported(rollout: Rollout) -> dict[str, _Exported]:
    exported = {
        metric.name: _Exported(frozenset(metric.labels))
        for source in rollout.sql
        for metric in source.metrics
    }
    for source in rollout.logs:
        exported |= {one.name: _Exported(frozenset(one.labels)) for one in source.counters}
        exported |= {one.name: _Exported(frozenset(), _bounds(one.buckets)) for one in source.histograms}
        exported |= {one.name: _Exported(frozenset(one.labels)) for one in source.gauges}
        exported |= {one.name: _Exported(frozenset({one.label})) for one in source.seen}
        if source.access is not None:
            exported[source.access.requests] = _Exported(frozenset({"status"}))
            exported[source.access.duration] = _Exported(frozenset(), _bounds(source.access.buckets))
    return exported


def _bounds(buckets: Sequence[float]) -> tuple[Decimal, ...]:
    return tuple(Decimal(str(bound)) for bound in buckets)


def _required(asked: Selector) -> set[str]:
    """The labels without which no series is selected."""
    return {
        label
        for label, op, value in asked.matchers
        if Selector("", ((label, op, value), (label, "=", ""))).contradiction is not None
    }


def _labels(
    entry: Measured, field: str, metric: str, missing: list[str], arm: set[str], *, known: bool
) -> Iterator[Finding]:
    for label in missing:
        what = f"asks for the label '{label}' of {metric}, whose source does not give it"
        cure = f'add it to the source, or to Targets(labels={{"{label}": …}})'
        if label in arm:
            cure = "say whole_service=True, or " + cure
        severity = Severity.error if known else Severity.warning
        yield finding(NAME, entry.measure, what, cure, field, about=entry.of, severity=severity)


def _bound(entry: Measured, field: str, source: _Exported) -> Iterator[Finding]:
    bound = _bound_of(entry.measure)
    if bound is not None and source.buckets and bound not in source.buckets:
        edges = ", ".join(plain(edge) for edge in source.buckets)
        what = f"asks for a bucket at {plain(bound)}, and its source has none: {edges}"
        yield finding(NAME, entry.measure, what, "use one of these, or add it there", field, about=entry.of)


def _bound_of(measure: Drawable) -> Decimal | None:
    """The bucket it reads, in the histogram's own unit."""
    written = {SlowerThan: "bound", Increase: "slower_than"}.get(type(measure))
    text = getattr(measure, written) if written else None
    if text is None:
        return None
    return seconds(duration(text)) * (1000 if getattr(measure, "unit", "s") == "ms" else 1)
