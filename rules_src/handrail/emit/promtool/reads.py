"""A guardrail, or one measure → every series of the service that it looks at."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from handrail.plan import (
    Count,
    Fill,
    Free,
    Gone,
    Grown,
    Guardrail,
    InState,
    Level,
    Measure,
    Only,
    PerSecond,
    Quantile,
    Selector,
    Share,
    Slow,
    StateChanges,
)


def reads(guardrail: Guardrail) -> Iterable[Selector]:
    """Every series of the service that the guardrail looks at."""
    return [selector for signal in guardrail.signals for selector in selectors(signal.measure)]


def selectors(measure: Measure) -> list[Selector]:
    """Every series of the service that the measure looks at."""
    match measure:
        case Share(part, whole):
            return [part, whole]
        case Quantile(histogram=series) | Slow(histogram=series):
            return [series.suffixed("_bucket"), series.suffixed("_count")]
        case Count(counter=counter, bound=bound):
            return [counter] if bound is None else [counter.suffixed("_bucket"), counter.suffixed("_count")]
        case PerSecond(counter=counter):
            return [counter]
        case Level(metric=metric) | InState(metric=metric) | StateChanges(metric=metric):
            return [metric]
        case Grown(metric=metric) | Gone(metric=metric):
            return [metric]
        case Fill(used, size):
            return [used] if isinstance(size, Decimal) else [used, size]
        case Only(inner, condition):
            return selectors(inner) + selectors(condition)
        case Free():
            return []
