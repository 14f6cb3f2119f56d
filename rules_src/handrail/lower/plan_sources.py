"""Declared SQL and log sources → the plan's."""

from __future__ import annotations

from decimal import Decimal

from handrail import plan
from handrail.declare import sources as declared
from handrail.lower.scale import Scale


def lower_sql(source: declared.SqlSource, scale: Scale) -> plan.SqlSource:
    """The database and its queries."""
    metrics = tuple(
        plan.SqlMetric(metric.name, metric.query, metric.help, tuple(metric.labels))
        for metric in source.metrics
    )
    return plan.SqlSource(source.database, metrics, scale.duration(source.every))


def lower_log(source: declared.LogSource) -> plan.LogSource:
    """The log lines that count."""
    counters = tuple((counter.name, tuple(counter.patterns)) for counter in source.counters)
    log = source.access
    if log is None:
        return plan.LogSource(None, counters)
    buckets = tuple(sorted(Decimal(str(bound)) for bound in log.buckets))
    return plan.LogSource(plan.AccessLog(log.requests, log.duration, buckets, log.pattern), counters)
