"""Series and a measure → its value, by plain arithmetic: what PromQL should come to, worked out once more without it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from itertools import pairwise

from handrail.emit.promtool.series import Index, Key, Reads, Timeline
from handrail.plan import (
    Absence,
    Changes,
    Comparison,
    Count,
    Difference,
    EventMeasure,
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
    narrowed,
)
from handrail.promql.buckets import bucket
from handrail.promql.selected import selected
from handrail.units import seconds

INSTANCE, LE = "instance", "le"
PLACE = "handrail_place"
"""A label that no declaration asks for: by it series differ that are one for the rules."""
Samples = Sequence[tuple[timedelta, Decimal]]
Counting = EventMeasure | Increase
"""Measures whose events are counted exactly."""


def selectors(measure: Measure) -> list[Selector]:
    """Every series that the measure looks at."""
    match measure:
        case Latency(histogram=series) | SlowerThan(histogram=series) if measure.native:
            return [series]
        case Latency(histogram=series):
            return [series.suffixed("_bucket"), series.suffixed("_count")]
        case SlowerThan(histogram=series, bound=bound):
            return [bucket(series, bound), series.suffixed("_count")]
        case Increase():
            return [one for several in counters(measure) for one in several]
        case Count(presence=presence):
            return [measure.seen, *([] if presence is None else [presence])]
        case While(inner, held):
            return selectors(inner) + selectors(held)
        case Ratio() | Rate() | Gauge() | Usage() | State() | StateChanges() | Growth() | Difference():
            return _fields(measure)
        case Timestamp() | Forecast() | Changes() | Absence() | PromQL():
            return _fields(measure)


def metrics(measure: Measure) -> set[str]:
    """The names of those, also of what a free expression reads."""
    free = selected(measure.inner.expr) if isinstance(measure.inner, PromQL) else ()
    return {one.metric for one in selectors(measure)} | {one.metric for one in free}


def _fields(measure: PlainMeasure) -> list[Selector]:
    values = (getattr(measure, field.name) for field in fields(measure))
    each = (one for value in values for one in (value if isinstance(value, tuple) else [value]))
    return [one for one in each if isinstance(one, Selector)]


def bound_of(key: Key) -> Decimal | None:
    """That of a histogram's bucket; None of what is none."""
    try:
        found = Decimal(key.labels[LE])
    except (KeyError, InvalidOperation):
        return None
    return None if found.is_nan() else found


def counters(measure: Counting) -> tuple[Sequence[Selector], Sequence[Selector]]:
    """Those that count its events, and those that count what of these it leaves out."""
    match measure:
        case Ratio(whole=whole):
            return whole, ()
        case Latency(histogram=series) | SlowerThan(histogram=series):
            return [series.suffixed("_count")], ()
        case Increase(counters=several, bound=bound):
            if bound is None:
                return several, ()
            return [one.suffixed("_count") for one in several], [bucket(one, bound) for one in several]


def parts(measure: Measure) -> list[PlainMeasure]:
    """The measure and, where it is bound to one, its condition."""
    return [*parts(measure.measure), *parts(measure.condition)] if isinstance(measure, While) else [measure]


def groups(measure: Measure, keys: Iterable[Key]) -> list[Measure]:
    """The measure of each group of these series that it tells apart; its condition of what they have in common."""
    if not measure.labels or isinstance(measure.inner, State):
        return [measure]
    reads = Reads(selectors(measure.inner))
    own = (key.labels for key in keys if key in reads)
    apart = dict.fromkeys(
        tuple((label, "=", labels.get(label, "")) for label in measure.labels) for labels in own
    )
    return [_group(measure, one) for one in apart]


def _group(measure: Measure, group: tuple[tuple[str, str, str], ...]) -> Measure:
    if not isinstance(measure, While):
        return narrowed(measure, *group)
    shared = tuple(one for one in group if one[0] in measure.shared)
    inner, condition = narrowed(measure.measure, *group), narrowed(measure.condition, *shared)
    return replace(measure, measure=inner, condition=condition)


@dataclass(frozen=True)
class Shows:
    """What series show up to `now`."""

    timeline: Timeline
    now: timedelta

    def _of(self, selector: Selector) -> list[tuple[Key, Samples]]:
        return [(key, self.timeline.samples(key)) for key in self._index.read_by([selector])]

    @cached_property
    def _index(self) -> Index:
        return Index(self.timeline.keys)

    def last(self, selector: Selector) -> dict[Key, Decimal]:
        """The last value of each series that is still there."""
        own = ((key, shown[-1]) for key, shown in self._of(selector) if shown)
        return {key: value for key, (at, value) in own if self.now - at <= self.timeline.scrape}

    def within(self, selector: Selector, width: timedelta) -> dict[Key, Samples]:
        """The samples of each series in a window, without those at its left end."""
        own = self._of(selector)
        found = {key: [one for one in shown if one[0] > self.now - width] for key, shown in own}
        return {key: shown for key, shown in found.items() if shown}

    def slope(self, selector: Selector, width: timedelta) -> dict[Key, Decimal]:
        """By how much each series rises in a second of the window; it does so steadily."""
        found = {}
        for key, shown in self.within(selector, width).items():
            if len(shown) > 1:
                (since, first), (until, last) = shown[0], shown[-1]
                found[key] = (last - first) / seconds(until - since)
        return found


def value(measure: Measure, shows: Shows) -> Decimal | None:
    """What a measure's value is, without its labels; None where it has none. Of several states it is the number of those that are."""
    match measure:
        case While(inner, held, op, bound):
            condition = value(held, shows)
            return value(inner, shows) if condition is not None and op.breached(condition, bound) else None
        case Ratio(part=part, window=width):
            return _share(_grown(part, width, shows), _events(measure, shows), cap=measure.beside)
        case SlowerThan(histogram=series, bound=bound, window=width):
            count = _events(measure, shows)
            return _share(count - _grown([bucket(series, bound)], width, shows), count)
        case Latency():
            return quantile(measure, _buckets(measure, shows))
        case Increase():
            return _events(measure, shows)
        case Rate(counters=several, window=width):
            slopes = (slope for one in several for slope in shows.slope(one, width).values())
            return sum(slopes, Decimal(0))
        case Gauge() | Usage() | State() | StateChanges():
            return _of_gauges(measure, shows)
        case Growth() | Difference() | Timestamp() | Count() | Forecast() | Changes():
            return _of_single_series(measure, shows)
        case Absence() | PromQL():
            return None


def events(measure: Measure, shows: Shows) -> Decimal | None:
    """How many events it judges; None where it counts none."""
    return _events(measure.inner, shows) if isinstance(measure.inner, EventMeasure) else None


def _events(measure: Counting, shows: Shows) -> Decimal:
    counted, left_out = counters(measure)
    return _grown(counted, measure.window, shows) - _grown(left_out, measure.window, shows)


def _of_gauges(measure: Gauge | Usage | State | StateChanges, shows: Shows) -> Decimal | None:
    match measure:
        case Gauge(metric=metric, over=over, scale=scale, window=width):
            if width is None:
                return _scaled(_over(over, shows.last(metric).values()), scale)
            extreme = min if over == "min" else max
            each = (extreme(one for _, one in shown) for shown in shows.within(metric, width).values())
            return _scaled(_over(over, each), scale)
        case Usage():
            return _usage(measure, shows)
        case State(metric=metric, label=label):
            states: dict[str, Decimal] = {}
            for key, one in shows.last(metric).items():
                name = key.labels.get(label, "")
                states[name] = max(one, states.get(name, one))
            return _over("sum", states.values())
        case StateChanges(metric=metric, window=width):
            return _over("sum", map(_changes, shows.within(metric, width).values()))


def _of_single_series(measure: Growth | SeriesMeasure, shows: Shows) -> Decimal | None:
    match measure:
        case Growth(metric=metric, window=width):
            return _over("max", (one * seconds(width) for one in shows.slope(metric, width).values()))
        case Difference(metric=metric, minus=minus, over=over, scale=scale):
            more, less = (_over(over, shows.last(side).values()) for side in (metric, minus))
            if more is None or less is None:
                return None
            return (abs(more - less) if measure.absolute else more - less) * scale
        case Timestamp(metric=metric, until=until, over=over, scale=scale):
            ages = (seconds(shows.now) - one * scale for one in shows.last(metric).values())
            return _over(over, (-age if until else age for age in ages))
        case Forecast(metric=metric, window=width, ahead=ahead, over=over, scale=scale):
            slope, lines = shows.slope(metric, width), []
            for key, shown in shows.within(metric, width).items():
                at, last = shown[-1]
                if key in slope and shows.now - at <= shows.timeline.scrape:
                    lines.append(last + slope[key] * seconds(shows.now - at + ahead))
            return _scaled(_over(over, lines), scale)
        case Changes(metric=metric, window=width, over=over, resets=resets):
            return _over(over, (_changes(one, fell=resets) for one in shows.within(metric, width).values()))
        case Count():
            return _count(measure, shows)


def _grown(several: Iterable[Selector], width: timedelta, shows: Shows) -> Decimal:
    """How many events there were since the last sample before the window."""
    grown = Decimal(0)
    for selector in several:
        for key, last in shows.last(selector).items():
            before = [one for at, one in shows.timeline.samples(key) if at <= shows.now - width]
            grown += last - (before[-1] if before else Decimal(0))
    return grown


def _share(part: Decimal, whole: Decimal, *, cap: bool = False) -> Decimal | None:
    if not whole:
        return None
    share = min(part / whole, Decimal(1)) if cap else part / whole
    return share if 0 <= share <= 1 else None


def _buckets(measure: Latency, shows: Shows) -> dict[Decimal, Decimal]:
    """What is counted up to each bound."""
    series = measure.histogram.suffixed("_bucket")
    bounds = {key.labels[LE] for key in shows.last(series)}
    width = measure.window
    return {Decimal(bound): _grown([series.where((LE, "=", bound))], width, shows) for bound in bounds}


def quantile(measure: Latency, counts: Mapping[Decimal, Decimal]) -> Decimal | None:
    """As `histogram_quantile` reads it off, from what is counted up to each bound: the last but one where it lies in the last bucket."""
    whole = counts.get(Decimal("Infinity"), Decimal(0))
    low, below = Decimal(0), Decimal(0)
    for bound in sorted(bound for bound in counts if bound.is_finite()):
        if counts[bound] >= measure.q * whole > 0:
            return (
                low + (bound - low) * (measure.q * whole - below) / (counts[bound] - below)
            ) * measure.scale
        low, below = bound, counts[bound]
    return low * measure.scale if whole else None


def _over(over: str, values: Iterable[Decimal]) -> Decimal | None:
    each = list(values)
    if not each:
        return None
    every = sum(each, Decimal(0))
    return {"max": max(each), "min": min(each), "sum": every, "avg": every / len(each)}[over]


def _scaled(figure: Decimal | None, scale: Decimal) -> Decimal | None:
    return None if figure is None else figure * scale


def _changes(shown: Samples, *, fell: bool = False) -> Decimal:
    pairs = pairwise(shown)
    return Decimal(sum(after < before if fell else after != before for (_, before), (_, after) in pairs))


def _usage(measure: Usage, shows: Shows) -> Decimal | None:
    used = [shows.last(one) for one in measure.used]
    sizes = [] if isinstance(measure.size, Decimal) else [shows.last(one) for one in measure.size]
    if not all(used) or not all(sizes):
        return None
    if measure.over == "max":
        fills = _added_by_labels([{k: one for k, one in several.items() if one >= 0} for several in used])
        room = _added_by_labels([{k: one for k, one in several.items() if one > 0} for several in sizes])
        whole = measure.size if isinstance(measure.size, Decimal) else None
        full = [one / (whole or room[own]) for own, one in fills.items() if whole or own in room]
        return _over("max", (1 - one if measure.left else one for one in full))
    every = [size for several in sizes for size in several.values()]
    if any(one < 0 for several in used for one in several.values()) or any(one <= 0 for one in every):
        return None
    size = measure.size if isinstance(measure.size, Decimal) else sum(every, Decimal(0))
    filled = sum((one for several in used for one in several.values()), Decimal(0)) / size
    return 1 - filled if measure.left else filled


def _added_by_labels(several: Sequence[Mapping[Key, Decimal]]) -> dict[tuple[tuple[str, str], ...], Decimal]:
    """Gauges as one, series by series: of those labels that each of them has."""
    each = [{tuple(key.labels.items()): one for key, one in gauge.items()} for gauge in several]
    return {
        own: sum((gauge[own] for gauge in each), Decimal(0))
        for own in (each[0] if each else ())
        if all(own in gauge for gauge in each)
    }


def _count(measure: Count, shows: Shows) -> Decimal | None:
    if measure.window is None:
        seen = shows.last(measure.seen)
    else:
        seen = {key: shown[-1][1] for key, shown in shows.within(measure.seen, measure.window).items()}
    there = measure.presence is not None and bool(shows.last(measure.presence))
    if not there and (not seen or measure.window is not None):
        return None
    kept = [key for key, one in seen.items() if measure.where is None or _holds(measure.where, one)]
    if measure.distinct is not None:
        return Decimal(len({key.labels.get(measure.distinct) for key in kept}))
    return Decimal(len(kept))


def _holds(where: Comparison, figure: Decimal) -> bool:
    return {
        "==": figure == where.figure,
        "!=": figure != where.figure,
        ">": figure > where.figure,
        ">=": figure >= where.figure,
        "<": figure < where.figure,
        "<=": figure <= where.figure,
    }[where.op]
