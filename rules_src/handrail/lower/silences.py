"""A measure, and the sources that its rollout declares → the series that show when a source stopped while its figures
stay.

mtail keeps exporting what it has counted when the log no longer arrives, and sql_exporter keeps the last result of a
query that fails: both look like a service without errors.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields, is_dataclass

from handrail import plan
from handrail.contract import names
from handrail.declare.sources import LogSource
from handrail.lower.plan_sources import line_counters
from handrail.lower.raw_series import named_in
from handrail.lower.rollout_context import RolloutContext
from handrail.units import span

LOG, QUERY = "its log is silent", "its query fails"
_PARTS = ("_bucket", "_count", "_sum")


def silences(measure: plan.Measure | plan.TimeSlices, context: RolloutContext) -> tuple[plan.Silence, ...]:
    """One silence for each log and each query that the measure's series come from."""
    of_sources = [
        silence
        for series in dict.fromkeys(_series(measure))
        for silence in (*_of_logs(series, context), *_of_queries(series, context))
    ]
    return tuple(dict.fromkeys(of_sources))


def known(expr: str, stopped: Sequence[plan.Silence]) -> str:
    """The expression, with samples only while none of these sources has stopped."""
    either_stopped = " or ".join(one.lost for one in stopped)
    return f"({expr})\nunless on () ({either_stopped})" if stopped else expr


def _series(of: object) -> Iterator[plan.Selector]:
    """Every series that a measure names."""
    if isinstance(of, plan.Selector):
        yield of
    elif isinstance(of, plan.PromQL):
        yield from named_in(of.expr)
    elif isinstance(of, tuple):
        for one in of:
            yield from _series(one)
    elif is_dataclass(of):
        for field in fields(of):
            yield from _series(getattr(of, field.name))


def _of_logs(series: plan.Selector, context: RolloutContext) -> Iterator[plan.Silence]:
    lines = line_counters(context.rollout)
    for source, counters in zip(context.rollout.logs, lines, strict=True):
        if not {series.metric, _whole(series.metric)} & {*source.metrics}:
            continue
        after = context.scale.duration(source.silent_after)
        for counter in counters:
            selected = _beside(series, counter, _labels(source))
            yield plan.Silence(LOG, f"increase({selected}[{span(after)}]) == 0", (selected,), after)


def _of_queries(series: plan.Selector, context: RolloutContext) -> Iterator[plan.Silence]:
    for number, source in enumerate(context.rollout.sql, 1):
        for metric in source.metrics:
            if metric.name != series.metric:
                continue
            job = (("sql_job", "=", names.sql_job(context.rollout.name, number)), ("query", "=", metric.name))
            failed = tuple(
                _beside(series, name, metric.labels).where(*job) for name in context.failed_queries
            )
            yield plan.Silence(QUERY, f"({' or '.join(map(str, failed))}) == 1", failed)


def _beside(series: plan.Selector, metric: str, own: Collection[str]) -> plan.Selector:
    """The exporter's own metric: with all matchers except those of labels that only the measured metric has."""
    return plan.Selector(metric, tuple(one for one in series.matchers if one[0] not in {*own, "le"}))


def _whole(metric: str) -> str:
    """The histogram that a series is a part of."""
    return next((metric.removesuffix(part) for part in _PARTS if metric.endswith(part)), metric)


def _labels(source: LogSource) -> set[str]:
    """The labels that the source's metrics get from the lines."""
    counted = {label for counter in source.counters for label in counter.labels}
    return {*counted, *(seen.label for seen in source.seen), "status"}
