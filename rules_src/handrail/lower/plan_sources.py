"""Declared SQL and log sources → the plan's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import count

from handrail import plan
from handrail.contract import names
from handrail.declare import sources as declared
from handrail.declare.rollout import Rollout
from handrail.lower.scale import Scale


def lower_sql(source: declared.SqlSource, scale: Scale) -> plan.SqlSource:
    """The database and its queries."""
    metrics = tuple(
        plan.SqlMetric(metric.name, metric.query, metric.help, tuple(metric.labels))
        for metric in source.metrics
    )
    return plan.SqlSource(source.database, metrics, scale.duration(source.every))


def lower_logs(rollout: Rollout, scale: Scale) -> tuple[plan.LogSource, ...]:
    """Each log source, with the metrics that are made of its lines."""
    return tuple(
        _log(source, counters, scale)
        for source, counters in zip(rollout.logs, line_counters(rollout), strict=True)
    )


def line_counters(rollout: Rollout) -> list[tuple[str, ...]]:
    """For each log source the names of the counters of its lines, in the order of its patterns."""
    numbers = count(1)
    return [
        tuple(names.log_lines(rollout.name, next(numbers)) for _ in source.alive) for source in rollout.logs
    ]


def _log(source: declared.LogSource, lines: Sequence[str], scale: Scale) -> plan.LogSource:
    return plan.LogSource(
        access=None if source.access is None else _access(source.access),
        counters=tuple(map(_counter, source.counters)),
        histograms=tuple(
            plan.LogHistogram(one.name, one.pattern, _buckets(one.buckets), _SCALES[one.unit])
            for one in source.histograms
        ),
        gauges=tuple(
            plan.LogGauge(one.name, one.pattern, _figures(one.values), tuple(one.labels))
            for one in source.gauges
        ),
        seen=tuple(
            plan.LogSeen(one.name, one.pattern, one.label, scale.duration(one.within)) for one in source.seen
        ),
        alive=tuple(
            plan.LogCounter(name, ((pattern, None),), (), ())
            for name, pattern in zip(lines, source.alive, strict=True)
        ),
    )


_SCALES = {"s": Decimal(1), "ms": Decimal("0.001")}


def _access(log: declared.AccessLog) -> plan.AccessLog:
    return plan.AccessLog(log.requests, log.duration, _buckets(log.buckets), log.pattern)


def _counter(one: declared.LogCounter) -> plan.LogCounter:
    patterns: list[tuple[str, str | None]] = []
    if isinstance(one.patterns, Mapping):
        patterns += [(pattern, text) for text, several in one.patterns.items() for pattern in several]
    else:
        patterns += [(pattern, None) for pattern in one.patterns]
    return plan.LogCounter(one.name, tuple(patterns), tuple(one.labels), tuple(one.ignoring))


def _buckets(bounds: Sequence[float]) -> tuple[Decimal, ...]:
    return tuple(sorted(Decimal(str(bound)) for bound in bounds))


def _figures(values: Mapping[str, float]) -> tuple[tuple[str, Decimal], ...]:
    return tuple((text, Decimal(str(figure))) for text, figure in values.items())
