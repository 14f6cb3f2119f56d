"""A guardrail, or one measure → every series of the service that it looks at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
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


def watched(guardrail: Guardrail) -> dict[tuple[Selector, ...], timedelta]:
    """Every metric without which the guardrail cannot see, with how long the past of it counts."""
    return {series: past for signal in guardrail.signals for series, past in _needed(signal.measure)}


def _needed(measure: Measure) -> Iterator[tuple[tuple[Selector, ...], timedelta]]:
    match measure:
        case Only(inner, condition):
            for one in (condition, inner):
                counted = isinstance(one, Share | Quantile | Slow)
                yield from _needed(one) if counted else [(tuple(selectors(one)), timedelta())]
        case Share(whole=whole, window=window):
            yield (whole,), window
        case Fill(used, size):
            yield (used,), timedelta()
            if not isinstance(size, Decimal):
                yield (size,), timedelta()
        case Gone() | Free():
            return
        case _:
            yield tuple(selectors(measure)), getattr(measure, "window", None) or timedelta()
