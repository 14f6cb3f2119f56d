"""A measure → whether the series it looks at are there, and whether they are numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from handrail.plan import (
    Absence,
    Changes,
    Count,
    Difference,
    Forecast,
    Gauge,
    Growth,
    Increase,
    Latency,
    Measure,
    PlainMeasure,
    PromQL,
    Rate,
    Ratio,
    Selector,
    SeriesMeasure,
    SlowerThan,
    State,
    StateChanges,
    Timestamp,
    Usage,
    While,
)
from handrail.promql.aggregated import NUMBERS, outside, plausible
from handrail.promql.series_values import impossible, series_needed, series_present, without_pair
from handrail.promql.syntax import is_scalar
from handrail.promql.together import all_of, any_of, together
from handrail.promql.values import events, gauge_series, promql_then, value
from handrail.promql.windows import ESTIMATED, Estimated
from handrail.units import plain, span


def watched(measure: Measure, labels: tuple[str, ...], recorded: Selector) -> dict[str, str]:
    """Expressions that have a sample exactly while the measure has data, by the series they look at."""
    if isinstance(measure, SeriesMeasure):
        return {one: one for one in series_needed(measure, labels)}
    match measure:
        case While():
            # Its own series is silent while the condition does not hold, and that is no blindness.
            inner, condition = measure.measure, watched(measure.condition, labels, recorded)
            seen = watched(inner, labels, recorded)
            if not events(inner, labels, ESTIMATED):
                seen = {series: series for series in seen}
            return {**{series: series for series in condition}, **seen}
        case Usage(used, size):
            series = [*used, *(() if isinstance(size, Decimal) else size)]
            return {str(one): str(one) for one in series}
        case Gauge() | State() | StateChanges() | Growth() | PromQL():
            own = present(measure, labels)
            return {own: own}
        case Ratio() | Latency() | SlowerThan() | Increase() | Rate() | Absence():
            return {present(measure, labels): str(recorded)}


def present(measure: Measure, labels: tuple[str, ...], ago: timedelta | None = None) -> str:
    """An expression that has samples while the measure's series exist, whatever their values; or existed some time `ago`."""
    how = Estimated(ago)
    if isinstance(measure, SeriesMeasure):
        return series_present(measure, labels + measure.by, how)
    match measure:
        case Ratio(whole=several) | Rate(counters=several):
            return any_of(several, how.now)
        case Growth(metric=series, window=window):
            return f"delta({how.over(series, window)})"
        case PromQL(expr):
            return promql_then(expr, how)
        case Latency(histogram=histogram) | SlowerThan(histogram=histogram):
            return how.now(histogram if measure.native else histogram.suffixed("_count"))
        case Gauge(metric=series, window=window) if window is not None:
            return f"last_over_time({how.over(series, window)})"
        case Gauge(metric=series) | State(metric=series) | StateChanges(metric=series):
            return how.now(series)
        case Usage(used=several):
            return all_of(several, how.now)
        case While(inner):
            return present(inner, labels, ago)
        case Increase() | Absence():
            return value(measure, labels, None, how)


def unpaired(measure: Measure, labels: tuple[str, ...]) -> Iterator[str]:
    """Expressions that have a sample while a group has only some of the series that are needed; `labels` are the arm's."""
    if isinstance(measure, While):
        yield from unpaired(measure.measure, labels)
        yield from unpaired(measure.condition, labels)
    elif isinstance(measure, SeriesMeasure):
        yield from without_pair(measure, labels + measure.by)


def no_numbers(measure: Measure) -> Iterator[str]:
    """Expressions that have a sample while one of the measure's series is not a number, or has an impossible value."""
    if isinstance(measure, SeriesMeasure):
        yield from impossible(measure)
        return
    match measure:
        case Gauge():
            yield outside(gauge_series(measure, ESTIMATED), plausible(measure.least))
        case Usage(used, size):
            yield from (outside(str(one), ">= 0 < Inf") for one in used)
            for one in () if isinstance(size, Decimal) else size:
                but = [f"unless {one} == {plain(figure)}" for figure in measure.unlimited]
                yield " ".join([outside(str(one), "> 0 < Inf"), *but])
        case State(metric=series):
            yield outside(str(series), NUMBERS)
        case StateChanges(metric=series, window=window):
            yield outside(f"avg_over_time({series}[{span(window)}])", NUMBERS)
        case Growth(metric=series, window=window):
            yield outside(f"delta({series}[{span(window)}])", NUMBERS)
        case While(inner, condition, _, _):
            yield from no_numbers(inner)
            yield from no_numbers(condition)
        case PromQL(expr):
            if not is_scalar(expr):
                yield outside(f"({expr})", NUMBERS)
        case Ratio() | Latency() | SlowerThan() | Increase() | Rate() | Absence():
            return


def series_of_window(measure: PlainMeasure) -> tuple[Selector, ...]:
    """The series of a measure whose value needs a whole window of data; none for any other measure."""
    match measure:
        case Increase(counters=counters, bound=bound):
            return counters if bound is None else tuple(one.suffixed("_count") for one in counters)
        case Rate(counters=counters):
            return counters
        case Growth(metric=metric) | Changes(metric=metric):
            return (metric,)
        case Gauge(metric=metric, window=window):
            return () if window is None else (metric,)
        case Ratio() | Latency() | SlowerThan():
            return ()  # their events are counted
        case Usage() | State() | StateChanges() | Difference() | Timestamp() | Count() | Forecast():
            return ()
        case Absence() | PromQL():
            return ()


def there_before(series: tuple[Selector, ...], before: timedelta) -> str:
    """Samples of any of these series as they were `before` that long."""
    return together(series, lambda one: f"{one} offset {span(before)}")
