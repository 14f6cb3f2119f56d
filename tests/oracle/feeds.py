"""A measure and the value it should have → the series that give it that value while they go on like this."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import islice

from handrail.emit.promtool.examples import NATIVE
from handrail.emit.promtool.series import At, Impossible, Key, Rise, chosen, common, matches
from handrail.emit.promtool.verdicts import FREE
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
    Op,
    PromQL,
    Rate,
    Ratio,
    Selector,
    SeriesMeasure,
    Signal,
    SlowerThan,
    State,
    StateChanges,
    Timestamp,
    Usage,
    While,
)
from handrail.promql.buckets import bucket, le
from handrail.units import plain, seconds

from oracle.figures import MARGIN
from oracle.series import Clocked, Feed, Feeds, Stairs
from oracle.series_feeds import beside, series_feeds, series_selectors

Series = tuple[Selector, ...]
Value = Decimal | str
"""A figure, or the state that something is in."""

MANY = Decimal(10_000_000)
"""So many events from scrape to scrape that the position of a quantile can be told to four digits."""


@dataclass(frozen=True)
class Pace:
    """How often is scraped, how many events there are from scrape to scrape, and which labels series have."""

    scrape: timedelta
    events: Decimal
    labels: Mapping[str, str]
    states: tuple[str, ...] = ()
    edges: tuple[Decimal, ...] = ()

    def of(self, events: Decimal) -> Pace:
        """The same with other events."""
        return replace(self, events=events)


def feeds(measure: Measure, value: Value, pace: Pace) -> Feeds:
    """Series that give the measure `value`. Raises Impossible where none can."""
    if isinstance(value, str) or isinstance(measure, State | StateChanges):
        return _state(measure, value, pace)
    if isinstance(measure, SeriesMeasure):
        return series_feeds(measure, value, dict(pace.labels), pace.scrape)
    match measure:
        case Ratio(part, all_of):
            return _share(part, all_of, value, pace)
        case Latency():
            return _quantile(measure, value, pace)
        case SlowerThan():
            return _slow(measure, value, pace)
        case Increase():
            return _count(measure, value, pace)
        case Rate():
            return _flow(measure, value, pace)
        case Gauge(metric=metric, scale=scale):
            return {chosen(metric, pace.labels): At(value / scale)}
        case Usage():
            return _fill(measure, value, pace)
        case While():
            return _only(measure, value, pace)
        case Growth(metric=metric, window=window):
            return {chosen(metric, pace.labels): Rise(value * seconds(pace.scrape) / seconds(window))}
        case Absence(metric=metric):
            return {} if value else {chosen(metric, pace.labels): At(Decimal(1))}
        case PromQL():
            raise Impossible(FREE)


def whole(share: Decimal, events: Decimal) -> Decimal:
    """So many events, or as many times ten as it takes for the share of them to be a whole number."""
    exponent = share.normalize().as_tuple().exponent
    return max(events, Decimal(10) ** -int(exponent)) if events == events.to_integral_value() else events


def _share(parts: Series, wholes: Series, value: Decimal, pace: Pace) -> Feeds:
    """Each part has as much as the others; what is missing of the whole is shared by all that is no part."""
    every = whole(value, pace.events)
    inside = {chosen(part, pace.labels): value * every / len(parts) for part in parts}
    among = [step for key, step in inside.items() for one in wholes if matches(one, key)]
    rest = list(_no_parts(parts, wholes, pace.labels))
    if not rest:
        raise Impossible("no series of the whole could be found that is no part of it")
    each = (every - sum(among, Decimal(0))) / len(rest)
    if each < 0:
        raise Impossible("its parts count in more than one of its wholes")
    return {key: Rise(step) for key, step in (*inside.items(), *((key, each) for key in rest))}


def _no_parts(parts: Series, wholes: Series, labels: Mapping[str, str]) -> Iterator[Key]:
    """For each whole a series of it that is no part."""
    for one in wholes:
        like = [part for part in parts if part.metric == one.metric]
        found = (_rest(part, one, labels) for part in like) if like else (chosen(one, labels),)
        good = (key for key in found if key is not None and not any(matches(p, key) for p in parts))
        yield from islice(good, 1)


def _rest(part: Selector, whole: Selector, labels: Mapping[str, str]) -> Key | None:
    """A series of the whole that is no part; None where there is none."""
    shared = set(whole.matchers)
    for label in dict.fromkeys(label for label, _, _ in part.matchers):
        own = tuple(m for m in part.matchers if m[0] == label)
        if not set(own) <= shared:
            rest = tuple(m for m in whole.matchers if m[0] != label)
            key = chosen(Selector(whole.metric, own + rest), labels, flipped=label)
            if matches(whole, key) and not matches(part, key):
                return key
    return None


def edges(measure: Latency | SlowerThan, near: Iterable[Decimal]) -> tuple[Decimal, ...]:
    """The bounds of the buckets that matter: those declared, or round ones, between which all these values lie."""
    if isinstance(measure, SlowerThan):
        return (measure.bound,)
    values = [value for value in near if value > 0] or [Decimal(1)]
    low, high = min(values), max(values) * (1 + 2 * MARGIN)
    bounds = measure.buckets or (
        Decimal(1).scaleb(low.adjusted() - 1),
        Decimal(1).scaleb(high.adjusted() + 1),
    )
    below, above = [b for b in bounds if b < low], [b for b in bounds if b > high]
    return tuple(dict.fromkeys([*(below[-1:] or bounds[:1]), *(above[:1] or bounds[-1:])]))


def bounds_in(histogram: Selector, measures: Iterable[Measure]) -> Iterator[Decimal]:
    """The buckets that measures need beside each other's in one histogram."""
    for measure in measures:
        if isinstance(measure, SlowerThan) and measure.histogram.metric == histogram.metric:
            yield measure.bound
        if isinstance(measure, Increase) and measure.bound:
            yield from (measure.bound for one in measure.counters if one.metric == histogram.metric)


def _histogram(series: Selector, counts: Mapping[Decimal, Feed], every: Feed, pace: Pace) -> Feeds:
    """A classic histogram: what each bucket does, and what all observations together do."""
    buckets = series.suffixed("_bucket")
    found = {chosen(buckets, {**pace.labels, "le": le(edge)}): count for edge, count in counts.items()}
    found[chosen(buckets, {**pace.labels, "le": "+Inf"})] = every
    found[chosen(series.suffixed("_count"), pace.labels)] = every
    return found


def _quantile(measure: Latency, value: Decimal, pace: Pace) -> Feeds:
    """Half below the bucket of the value, or all in it and above: as the quantile's formula asks for."""
    if measure.native:
        raise Impossible(NATIVE)
    wanted, bounds, q = value / measure.scale, pace.edges, measure.q
    above = next((index for index, edge in enumerate(bounds) if edge >= wanted), None)
    if above is None or wanted <= 0:
        raise Impossible(f"no bucket of the histogram reaches {plain(value)} s")
    low = bounds[above - 1] if above else Decimal(0)
    place = (wanted - low) / (bounds[above] - low)
    below, upto = ((q - place) / (1 - place), Decimal(1)) if place <= q else (Decimal(0), q / place)
    if above == 0 and place < q:
        raise Impossible(f"{plain(value)} s lies too low in the histogram's first bucket")
    if above == 0:
        below, upto = Decimal(0), q / place
    every = pace.events
    shares = (
        [Decimal(0)] * (above - 1) + [below] * (above > 0) + [upto] + [Decimal(1)] * (len(bounds) - above - 1)
    )
    digits = max(0, MANY.adjusted() - every.adjusted())  # of few events as exact as of many
    counts = [round(share * every, digits) for share in shares]
    return _histogram(measure.histogram, dict(zip(bounds, map(Rise, counts), strict=True)), Rise(every), pace)


def _slow(measure: SlowerThan, value: Decimal, pace: Pace) -> Feeds:
    if measure.native:
        raise Impossible(NATIVE)
    if measure.buckets and measure.bound not in measure.buckets:
        raise Impossible("its bound is no bucket of the histogram")
    every = whole(value, pace.events)
    counts = {edge: Rise(Decimal(0) if edge < measure.bound else (1 - value) * every) for edge in pace.edges}
    return _histogram(measure.histogram, counts, Rise(every), pace)


def _count(measure: Increase, value: Decimal, pace: Pace) -> Feeds:
    """So many events in every window, one after the other."""
    several = measure.counters
    step = Rise(value * seconds(pace.scrape) / seconds(measure.window) / len(several))
    if measure.bound is None:
        return {chosen(one, pace.labels): step for one in several}
    slow = [_histogram(one, {measure.bound: Rise(Decimal(0))}, step, pace) for one in several]
    return {key: feed for one in slow for key, feed in one.items()}


def _flow(measure: Rate, value: Decimal, pace: Pace) -> Feeds:
    """Each of several flows as fast as the others."""
    step = Rise(value * seconds(pace.scrape) / len(measure.counters))
    return {chosen(one, pace.labels): step for one in measure.counters}


def _fill(measure: Usage, value: Decimal, pace: Pace) -> Feeds:
    """Each of several has as much as the others."""
    size = measure.size if isinstance(measure.size, Decimal) else Decimal(1000)
    full = 1 - value if measure.left else value
    used = {chosen(one, pace.labels): At(full * size / len(measure.used)) for one in measure.used}
    if isinstance(measure.size, Decimal):
        return used
    return used | {chosen(one, pace.labels): At(size / len(measure.size)) for one in measure.size}


def _state(measure: Measure, value: Value, pace: Pace) -> Feeds:
    """1 for the state it is in, 0 for the others."""
    if not isinstance(measure, State):
        raise TypeError(f"{type(measure).__name__} is in no state")
    if not isinstance(value, str):
        raise TypeError("a state is named, not counted")
    return {
        chosen(measure.metric, {**pace.labels, measure.label: state}): At(Decimal(state == value))
        for state in pace.states
    }


def _only(measure: While, value: Decimal, pace: Pace) -> Feeds:
    own = feeds(measure.measure, value, pace)
    if any(matches(selector, key) for selector in selectors(measure.condition) for key in own):
        raise Impossible("what it measures and its condition look at the same series")
    return {**own, **_holding(measure, pace)}


def _holding(measure: While, pace: Pace) -> Feeds:
    """The series that let the condition of a measure hold by a tenth."""
    if isinstance(measure.condition, SeriesMeasure):
        wanted = beside(measure.condition, measure.op, measure.bound, pace.scrape, beyond=True)
        return feeds(measure.condition, wanted, pace)
    bound, by = measure.bound, max(abs(measure.bound) / 10, Decimal("0.1"))
    wanted = bound + by if measure.op is Op.above else bound - by
    if isinstance(measure.condition, Rate | Usage):
        if wanted < 0 and bound < 0:
            raise Impossible("its condition holds always or never")
        wanted = max(wanted, Decimal(0))
    return feeds(measure.condition, wanted, pace)


def selectors(measure: Measure) -> list[Selector]:
    """Every series that the measure looks at."""
    if isinstance(measure, SeriesMeasure):
        return series_selectors(measure)
    match measure:
        case Ratio(part, whole):
            return [*part, *whole]
        case Latency(histogram=series) | SlowerThan(histogram=series) if measure.native:
            return [series]
        case Latency(histogram=series):
            return [series.suffixed("_bucket"), series.suffixed("_count")]
        case SlowerThan(histogram=series, bound=bound):
            return [bucket(series, bound), series.suffixed("_count")]
        case Increase(counters=counters, bound=bound):
            ends = ("",) if bound is None else ("_bucket", "_count")
            return [one.suffixed(end) for one in counters for end in ends]
        case Rate(counters=counters):
            return [*counters]
        case Gauge(metric=series) | State(metric=series) | StateChanges(metric=series):
            return [series]
        case Growth(metric=series) | Absence(metric=series):
            return [series]
        case Usage(used, size):
            return [*used, *(() if isinstance(size, Decimal) else size)]
        case While(inner, held):
            return selectors(inner) + selectors(held)
        case PromQL():
            return []


def group(measure: Measure, given: Mapping[str, str]) -> dict[str, str]:
    """One value of each label that all series which it, or its condition, reckons with together must have alike.

    It is the one that is `given`, where there is one that all of these series may have.
    """
    parts = [measure.inner, *([measure.condition] if isinstance(measure, While) else [])]
    alike: dict[str, list[Selector]] = {}
    for part in parts:
        for label in _alike(part):
            alike.setdefault(label, []).extend(selectors(part))
    return {label: common(series, label, given.get(label, "x")) for label, series in alike.items()}


def _alike(measure: Measure) -> Iterable[str]:
    """Those by which it is judged; where each series has its own size, all that are matched."""
    if isinstance(measure, Usage) and measure.over == "max":
        matched = (label for one in selectors(measure) for label, _, _ in one.matchers)
        return dict.fromkeys([*measure.by, *matched])
    return measure.labels


def shared(signal: Signal, signals: Iterable[Signal]) -> dict[str, str]:
    """Labels that other signals look for in series of the same metric: one series may be that of both."""
    metrics = {selector.metric for selector in selectors(signal.measure)}
    others = (s for other in signals if other is not signal for s in selectors(other.measure))
    return {
        label: text
        for one in others
        if one.metric in metrics
        for label, text in chosen(one, {}).labels.items()
    }


def measured(measure: Measure, fed: Feeds, scrape: timedelta) -> Decimal | None:
    """What a measure's value is while series go on like this; None where that is not simple."""
    seen = [feed for key, feed in fed.items() if any(matches(series, key) for series in selectors(measure))]
    if any(isinstance(feed, Clocked | Stairs) for feed in seen):
        return None
    match measure:
        case Ratio(part, whole):
            of = sum((_step(one, fed) for one in whole), Decimal(0))
            return sum((_step(one, fed) for one in part), Decimal(0)) / of if of else None
        case Rate(counters):
            return sum((_step(one, fed) for one in counters), Decimal(0)) / seconds(scrape)
        case Gauge(metric=metric, scale=scale, over=over):
            levels = [
                feed.level for key, feed in fed.items() if isinstance(feed, At) and matches(metric, key)
            ]
            if not levels:
                return None
            every = sum(levels, Decimal(0))
            how = {"max": max(levels), "min": min(levels), "sum": every, "avg": every / len(levels)}
            return how[over] * scale
        case Growth(metric=metric, window=window):
            return _step(metric, fed) * seconds(window) / seconds(scrape)
        case Increase(counters=counters, window=window, bound=None):
            every = sum((_step(one, fed) for one in counters), Decimal(0))
            return every * seconds(window) / seconds(scrape)
        case While(inner, held, op, bound):
            value = measured(held, fed, scrape)
            return measured(inner, fed, scrape) if value is not None and op.breached(value, bound) else None
        case Latency() | SlowerThan() | Increase() | Usage():
            return None
        case Difference() | Timestamp() | Count() | Forecast() | Changes():
            return None
        case State() | StateChanges() | Absence() | PromQL():
            return None


def _step(selector: Selector, fed: Feeds) -> Decimal:
    """By how much the series of a selector grow together from scrape to scrape."""
    found = (feed.step for key, feed in fed.items() if isinstance(feed, Rise) and matches(selector, key))
    return sum(found, Decimal(0))
