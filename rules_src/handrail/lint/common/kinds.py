"""A rollout → which of its metrics are counters and which gauges, and how each measure and panel reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import promql_parser as promql

from handrail.declare import (
    Absence,
    Age,
    Changes,
    Count,
    Difference,
    Distribution,
    Forecast,
    Gauge,
    Growth,
    Increase,
    Latency,
    PromQL,
    Rate,
    Ratio,
    Rollout,
    SlowerThan,
    State,
    TimeUntil,
    Usage,
    While,
)
from handrail.lint.common.limit_figures import cached
from handrail.lint.common.measured import Measured, measured, written
from handrail.promql.syntax import parsed, selector


class Kind(Enum):
    """What a metric is."""

    counter = "counter"
    gauge = "gauge"


@dataclass(frozen=True)
class MetricUse:
    """A metric that a measure reads in `field`, as what it reads it; `free` says that free PromQL does.

    `is_amount`: what is judged is the amount that this one gauge shows, or by how much that moves. Two that are compared
    are not, and a state is no amount.
    """

    entry: Measured
    field: str
    metric: str
    kind: Kind
    free: bool = False
    is_amount: bool = False


_COUNTED = re.compile(r".*_(total|bucket)")
_MEASURED = re.compile(
    r"up|(pg|redis|mysql)_up|.*_(ratio|percent|utilization|celsius|timestamp_seconds|info)"
    r"|node_(load\d+|memory_\w+_bytes|filesystem_\w+_bytes)|process_(resident|virtual)_memory_bytes|process_open_fds"
    r"|redis_(connected_clients|memory_\w+_bytes)|jvm_memory_\w+_bytes|pg_stat_activity_count"
)
"""What the usual exporters call their gauges."""

_RATES = frozenset({"rate", "irate", "increase", "resets"})
_NO_MATTER = frozenset(
    {"absent", "absent_over_time", "timestamp", "changes", "count_over_time", "present_over_time"}
)
"""Functions that say nothing of what the value is."""
_COUNTS = frozenset({"count", "group", "count_values"})


def declared_kinds(rollout: Rollout) -> dict[str, Kind]:
    """What the rollout's own sources export."""
    kinds: dict[str, Kind] = {}
    for source in rollout.logs:
        kinds |= {one.name: Kind.counter for one in source.counters}
        kinds |= {one.name: Kind.gauge for one in source.gauges}
        kinds |= {one.name: Kind.gauge for one in source.seen}
        if source.access is not None:
            kinds[source.access.requests] = Kind.counter
    return kinds


def kind_by_name(metric: str) -> Kind | None:
    """What the name of a metric says; None where it may be either."""
    if _COUNTED.fullmatch(metric):
        return Kind.counter
    return Kind.gauge if _MEASURED.fullmatch(metric) else None


def readings(rollout: Rollout) -> tuple[MetricUse, ...]:
    """Every metric that is read as a counter or as a gauge."""
    return cached(rollout, "_readings", _readings)


def _readings(rollout: Rollout) -> Iterator[MetricUse]:
    for entry in measured(rollout):
        measure = entry.measure
        match measure:
            case PromQL(expr):
                for metric, kind in dict.fromkeys(_in_promql(parsed(expr), "")):
                    yield MetricUse(entry, "expr", metric, kind, free=True, is_amount=True)
            case Rate() | Increase() if getattr(measure, "slower_than", None) is None:
                yield from _of(entry, Kind.counter, "counter")
            case Ratio():
                yield from _of(entry, Kind.counter, "of", "bad", "good")
            case Gauge() | Growth() | Forecast():
                yield from _of(entry, Kind.gauge, "metric", is_amount=True)
            case State():
                yield from _of(entry, Kind.gauge, "metric")
            case Difference():
                yield from _of(entry, Kind.gauge, "metric", "minus")
            case Usage():
                yield from _of(entry, Kind.gauge, "used", "size")
            case Rate() | Increase() | Latency() | SlowerThan() | Distribution():
                pass  # a histogram
            case Age() | TimeUntil() | Count() | Changes() | Absence() | While():
                pass  # of either kind


def _of(entry: Measured, kind: Kind, *fields: str, is_amount: bool = False) -> Iterator[MetricUse]:
    for field in fields:
        for text in written(getattr(entry.measure, field)):
            yield MetricUse(entry, field, selector(text).metric, kind, is_amount=is_amount)


def _in_promql(node: Any, within: str) -> Iterator[tuple[str, Kind]]:
    """Every metric below `node`, which stands within a function or an aggregation of this name."""
    match node:
        case promql.VectorSelector() | promql.MatrixSelector():
            one = node if isinstance(node, promql.VectorSelector) else node.vector_selector
            if one.name and within not in _NO_MATTER | _COUNTS:
                yield one.name, Kind.counter if within in _RATES else Kind.gauge
        case promql.Call():
            for argument in node.args:
                yield from _in_promql(argument, node.func.name)
        case promql.AggregateExpr():
            yield from _in_promql(node.expr, str(node.op))
        case promql.SubqueryExpr():
            # What is looked at again and again is what stands inside.
            yield from _in_promql(node.expr, within if within in _NO_MATTER | _RATES else "")
        case promql.BinaryExpr():
            yield from _in_promql(node.lhs, within if within in _COUNTS else "")
            yield from _in_promql(node.rhs, within if within in _COUNTS else "")
        case promql.ParenExpr() | promql.UnaryExpr():
            yield from _in_promql(node.expr, within)
        case _:  # a number or a text
            return
