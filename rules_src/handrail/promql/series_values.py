"""What single series show: ages, counts, differences, forecasts, changes → PromQL text.

Each has three forms: its value, the series without which it is blind, and the samples that are impossible values.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.plan import Changes, Count, Difference, Forecast, SeriesMeasure, Timestamp, Zero
from handrail.promql.aggregated import NUMBERS, aggregated, outside, plausible, scaled
from handrail.promql.syntax import by
from handrail.promql.windows import ESTIMATED, Estimated
from handrail.units import plain, seconds, span

AGES = ">= -300 < Inf"
"""Clocks differ by less than five minutes: what lies further in the future is in another unit, or another time zone."""

TIMES = "< 253402300800 > -Inf"
"""In so many seconds, which is the year 10000, no certificate expires: it is in milliseconds."""


def series_value(measure: SeriesMeasure, labels: tuple[str, ...], how: Estimated) -> str:
    """The value for each group of series with the same `labels`."""
    match measure:
        case Timestamp(over=over, until=until):
            return _over(over, labels, _time(measure, how), TIMES if until else AGES, how)
        case Forecast(over=over, scale=scale):
            return scaled(_over(over, labels, _line(measure, how), NUMBERS, how), scale)
        case Changes(over=over):
            return _changes(measure, labels, how, over)
        case Difference():
            return _difference(measure, labels, how)
        case Count():
            return _count(measure, labels, how)


def series_needed(
    measure: SeriesMeasure, labels: tuple[str, ...], how: Estimated = ESTIMATED
) -> tuple[str, ...]:
    """Expressions that have samples, told apart by `labels`, while the series are there; without one there is no value."""
    match measure:
        case Difference(metric, minus):
            return how.now(metric), how.now(minus)
        case Changes(metric, window):
            return (f"last_over_time({how.over(metric, window)})",)
        case Count(presence=presence, window=window) if presence is not None and window is not None:
            return (counted_throughout(measure, labels, how),)
        case Count():
            return (how.now(measure.presence or measure.seen),)
        case Timestamp(metric) | Forecast(metric):
            return (how.now(metric),)


def series_present(measure: SeriesMeasure, labels: tuple[str, ...], how: Estimated) -> str:
    """One expression that has samples while all series are there."""
    return f" and on ({', '.join(labels)}) ".join(series_needed(measure, labels, how))


def without_pair(measure: SeriesMeasure, labels: tuple[str, ...]) -> Iterator[str]:
    """Expressions that have a sample while a group has series on one side only, and there is no difference."""
    if isinstance(measure, Difference) and labels:
        joined = f"unless on ({', '.join(labels)})"
        for one, other in ((measure.metric, measure.minus), (measure.minus, measure.metric)):
            yield f"({one} {joined} {other})"


def impossible(measure: SeriesMeasure) -> Iterator[str]:
    """Expressions that have a sample while one of the series shows an impossible value."""
    match measure:
        case Timestamp(until=until):
            yield outside(_time(measure, ESTIMATED), TIMES if until else AGES)
            if measure.zero is Zero.no_data:
                yield f"{measure.metric} == 0"
        case Forecast():
            yield outside(_line(measure, ESTIMATED), NUMBERS)
        case Changes(metric, window):
            yield outside(f"avg_over_time({metric}[{span(window)}])", NUMBERS)
        case Difference(metric, minus):
            yield from (outside(str(one), plausible(measure.least)) for one in (metric, minus))
        case Count(where=where):
            if where is not None:
                yield outside(str(measure.seen), NUMBERS)


def _over(over: str, labels: tuple[str, ...], series: str, limits: str, how: Estimated) -> str:
    return aggregated(over, labels, series, limits) if how.judged else by(over, labels, series)


def _time(measure: Timestamp, how: Estimated) -> str:
    """Seconds since each timestamp, or until it; a past value is compared with the clock of that time."""
    shown = how.now(measure.metric)
    told = shown if measure.zero is Zero.long_ago else f"({shown} != 0)"
    clock = f"(time() - {plain(seconds(how.ago))})" if how.ago else "time()"
    stamp = scaled(told, measure.scale)
    return f"({stamp} - {clock})" if measure.until else f"({clock} - {stamp})"


def _line(measure: Forecast, how: Estimated) -> str:
    """The forecast of each series; a series that is gone has none, even while its last samples lie in the window.

    Prometheus counts from the evaluation on, also where the window ended before it: a past forecast reaches less far.
    """
    ahead = seconds(measure.ahead) - (seconds(how.ago) if how.ago else 0)
    line = f"predict_linear({how.over(measure.metric, measure.window)}, {plain(ahead)})"
    return f"({line} and {how.now(measure.metric)})"


def _changes(measure: Changes, labels: tuple[str, ...], how: Estimated, over: str) -> str:
    window = how.over(measure.metric, measure.window)
    counted = f"{'resets' if measure.resets else 'changes'}({window})"
    if not how.judged:
        return by(over, labels, counted)
    number = f"avg_over_time({window})"
    whole = by(over, labels, f"{counted} and {number} {NUMBERS}")
    if over in {"max", "min"}:
        return whole
    return f"({whole} unless on ({', '.join(labels)}) ({outside(number, NUMBERS)}))"


def _difference(measure: Difference, labels: tuple[str, ...], how: Estimated) -> str:
    one, other = (
        _over(measure.over, labels, how.now(side), plausible(measure.least), how)
        for side in (measure.metric, measure.minus)
    )
    between = f"abs({one} - {other})" if measure.absolute else f"({one} - {other})"
    return scaled(between, measure.scale)


_LOOKS = 60
_KNOWN = 54
"""So many of its looks at a window must have found who counts: nine tenths."""


def counted_throughout(measure: Count, labels: tuple[str, ...], how: Estimated) -> str:
    """A sample for each group while `presence` existed for nearly all of the window."""
    if measure.presence is None or measure.window is None:
        raise TypeError("it counts within no window")
    steps = f"{span(measure.window)}:{span(measure.window / _LOOKS)}"
    offset = f" offset {span(how.ago)}" if how.ago else ""
    there = f"count_over_time({by('count', labels, str(measure.presence))}[{steps}]{offset}) >= {_KNOWN}"
    if not measure.silent:
        return there
    return f"{there} unless on () count_over_time(count({measure.silent})[{steps}]{offset})"


def _count(measure: Count, labels: tuple[str, ...], how: Estimated) -> str:
    """How many series there are; 0 if there are some but none matches `where`, or if only `presence` exists."""
    where, distinct, window = measure.where, measure.distinct, measure.window
    seen = how.now(measure.seen) if window is None else f"last_over_time({how.over(measure.seen, window)})"
    none = [] if measure.presence is None else [how.now(measure.presence)]
    if distinct is not None:
        wanted = seen if where is None else f"{seen} {where}"
        how_many = by("count", labels, by("group", (*labels, distinct), wanted))
        none = none if where is None else [seen, *none]
    elif where is not None:
        how_many = by("sum", labels, f"{seen} {where.op} bool {plain(where.figure)}")
    else:
        how_many = by("count", labels, seen)
    counted = " or ".join([how_many, *(f"{by('count', labels, one)} * 0" for one in none)])
    if window is not None and how.judged:
        return f"(({counted}) and on ({', '.join(labels)}) ({counted_throughout(measure, labels, how)}))"
    if where is None or not how.judged:
        return f"({counted})"
    return f"(({counted}) unless on ({', '.join(labels)}) ({outside(seen, NUMBERS)}))"
