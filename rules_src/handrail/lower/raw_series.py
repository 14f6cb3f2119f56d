"""A measure of the plan → the raw series that it looks at."""

from __future__ import annotations

from decimal import Decimal

import promql_parser

from handrail.plan import (
    Absence,
    Changes,
    Count,
    Difference,
    EventMeasure,
    Forecast,
    Gauge,
    Growth,
    Increase,
    Latency,
    Measure,
    PromQL,
    Rate,
    Ratio,
    Selector,
    SlowerThan,
    State,
    StateChanges,
    Timestamp,
    Usage,
    While,
)
from handrail.promql.syntax import parsed

AnyOf = tuple[Selector, ...]
"""Series of which one is enough."""

_OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


def events_counter(measure: Measure) -> AnyOf | None:
    """The counters of the events that a measure judges; None if it counts no events."""
    judged = measure.inner
    if not isinstance(judged, EventMeasure):
        return None
    if isinstance(judged, Ratio):
        return judged.whole
    return (judged.histogram if judged.native else judged.histogram.suffixed("_count"),)


def required_series(measure: Measure) -> tuple[AnyOf, ...]:
    """The series without which a measure has no value; all of them are needed."""
    match measure:
        case Ratio(whole=several):
            return (several,)
        case Latency(histogram=series) | SlowerThan(histogram=series):
            return ((series if measure.native else series.suffixed("_count"),),)
        case Increase(counters=several, bound=bound):
            return (several if bound is None else tuple(one.suffixed("_count") for one in several),)
        case Rate(counters=several):
            return (several,)
        case Gauge(metric=series) | State(metric=series) | StateChanges(metric=series):
            return ((series,),)
        case Growth(metric=series) | Absence(metric=series):
            return ((series,),)
        case Usage(used=used, size=size):
            return tuple((one,) for one in (*used, *(() if isinstance(size, Decimal) else size)))
        case Timestamp(metric=series) | Forecast(metric=series) | Changes(metric=series):
            return ((series,),)
        case Difference(metric, minus):
            return (metric,), (minus,)
        case Count():
            return ((measure.presence or measure.seen,),)
        case While(measure=inner, condition=condition):
            return (*required_series(inner), *required_series(condition))
        case PromQL(expr=expr):
            # What is in it may well be missing: `errors or vector(0)`. But if nothing of it is there, it sees nothing.
            named = tuple(dict.fromkeys(named_in(expr)))
            return (named,) if named else ()


def named_in(expr: str) -> list[Selector]:
    """Every series that an expression names."""
    selectors: list[Selector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector) and node.name:
            matchers = (
                (one.name, _OPERATORS[str(one.op).rpartition(".")[2]], one.value)
                for one in node.matchers.matchers
            )
            selectors.append(Selector(node.name, tuple(matchers)))

    promql_parser.walk(parsed(expr), visit)
    return selectors
