"""Declared SQL and log sources → the plan's."""

from __future__ import annotations

from decimal import Decimal

from handrail import plan
from handrail.declare import sources as declared
from handrail.lower.scale import Scale


def lower_sql(given: declared.SqlSource, scale: Scale) -> plan.SqlSource:
    """The database and its queries."""
    metrics = tuple(
        plan.SqlMetric(metric.name, metric.query, metric.help, tuple(metric.labels))
        for metric in given.metrics
    )
    return plan.SqlSource(given.database, metrics, scale.duration(given.every))


def lower_log(given: declared.LogSource) -> plan.LogSource:
    """The log lines that count."""
    counters = tuple((counter.name, tuple(counter.patterns)) for counter in given.counters)
    log = given.access
    if log is None:
        return plan.LogSource(None, counters)
    buckets = tuple(sorted(Decimal(str(bound)) for bound in log.buckets))
    return plan.LogSource(plan.AccessLog(log.requests, log.duration, buckets, log.pattern), counters)
