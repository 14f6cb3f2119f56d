"""Declared measure + what was scraped → its value, computed from what the measure means.

Never from the text of a rule: a rule that says something else than the declaration must fail its test.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from functools import cache, lru_cache
from itertools import pairwise

from handrail.emit.promtool.series import Key, Labels, labels_of
from handrail.emit.promtool.storage import Storage, Values, parted, quantile, summed, together
from handrail.plan import (
    Count,
    Fill,
    Free,
    Gone,
    Grown,
    InState,
    Level,
    Measure,
    Only,
    Op,
    PerSecond,
    Quantile,
    Selector,
    Share,
    Slow,
    StateChanges,
)
from handrail.promql.buckets import le
from handrail.units import plain

BORN_WITHIN = 3_600_000
"""A series seen in this time (ms) before the window is not new."""
HAIR = 1000
"""Slow observations are counted to a thousandth."""

OPS = {
    Op.above: float.__gt__,
    Op.at_least: float.__ge__,
    Op.below: float.__lt__,
    Op.at_most: float.__le__,
}


@cache
def ms(time: timedelta) -> int:
    """A duration in milliseconds."""
    return round(time / timedelta(milliseconds=1))


def traffic(measure: Measure, by: tuple[str, ...], storage: Storage, time: int) -> Values | None:
    """Events per second of what is judged; None where the measure counts no events."""
    match measure:
        case Share(whole=whole, window=window):
            return storage.rates(whole, by, time, ms(window))
        case Quantile(histogram=histogram, window=window) | Slow(histogram=histogram, window=window):
            return storage.rates(_named(histogram, "_count"), by, time, ms(window))
        case Only(measure=inner):
            return traffic(inner, by, storage, time)
        case _:
            return None


def value(measure: Measure, by: tuple[str, ...], storage: Storage, time: int) -> Values:
    """The value of every series of the measure that has one; `by` are the labels that part the arms."""
    match measure:
        case Share(part, whole, window):
            return _share(storage, time, ms(window), part, whole, by)
        case Quantile():
            return _quantile(measure, by, storage, time)
        case Slow():
            return _slow(measure, by, storage, time)
        case Count():
            return _count(measure, by, storage, time)
        case PerSecond(counter, window):
            return storage.rates(counter, by, time, ms(window))
        case Level():
            return _level(measure, by, storage, time)
        case Fill():
            return _fill(measure, by + measure.by, storage, time)
        case InState(metric, label):
            return together("max", storage.instants(metric, time), (*by, label))
        case StateChanges(metric, window):
            changes = ((key, _changes(values)) for key, values in storage.ranges(metric, time, ms(window)))
            return summed(changes, by)
        case Only(inner, condition, op, bound):
            return _only(value(inner, by, storage, time), value(condition, by, storage, time), op, bound, by)
        case Grown(metric, window, more):
            grown = storage.grown(metric, time, ms(window), counter=False)
            return together("max", grown, by + more)
        case Gone(metric, window):
            seen = any(True for _ in storage.ranges(metric, time, ms(window)))
            return {(): 0.0 if seen else 1.0}
        case Free():
            return {}


def seen(measure: Measure, by: tuple[str, ...], storage: Storage, time: int, arm: Labels) -> bool:
    """Whether the measure can be judged, for the arm that is: at rest it can, without its series it cannot."""
    if isinstance(measure, Only):
        inner = measure.measure
        own = (
            _there(inner, by, storage, time)
            if traffic(inner, by, storage, time) is None
            else seen(inner, by, storage, time, arm)
        )
        return own and _there(measure.condition, by, storage, time)
    if isinstance(measure, Gone):
        return True
    events = traffic(measure, by, storage, time)
    found = value(measure, by, storage, time) if events is None else events
    return any(set(arm) <= set(labels) for labels in found)


def _there(measure: Measure, by: tuple[str, ...], storage: Storage, time: int) -> bool:
    """Whether what the measure looks at is there, whatever it says."""
    match measure:
        case PerSecond(counter=series) | Grown(metric=series) | Level(metric=series, window=None):
            return any(True for _ in storage.instants(series, time))
        case _:
            return bool(value(measure, by, storage, time))


def _share(
    storage: Storage, time: int, window: int, part: Selector, whole: Selector, by: tuple[str, ...]
) -> Values:
    parts = storage.rates(part, by, time, window)
    wholes = storage.rates(whole, by, time, window)
    return {labels: parts.get(labels, 0.0) / number for labels, number in wholes.items() if number > 0}


def _quantile(measure: Quantile, by: tuple[str, ...], storage: Storage, time: int) -> Values:
    flowing = traffic(measure, by, storage, time) or {}
    rates = storage.grown(_named(measure.histogram, "_bucket"), time, ms(measure.window), rate=True)
    buckets: dict[Labels, dict[float, float]] = {}
    for key, rate in rates:
        bound = float(dict(key.labels)["le"].replace("+Inf", "inf"))
        ours = buckets.setdefault(parted(key, by), {})
        ours[bound] = ours.get(bound, 0.0) + rate
    return {
        labels: quantile(float(measure.q), sorted(found.items())) * _scale(measure.scale)
        for labels, found in buckets.items()
        if flowing.get(labels, 0.0) > 0
    }


def _scale(scale: Decimal) -> float:
    return 1.0 if scale == 1 else float(plain(scale))


_named = lru_cache(4096)(Selector.suffixed)


@lru_cache(4096)
def at_bound(histogram: Selector, bound: Decimal) -> Selector:
    """The bucket of a bound."""
    return histogram.suffixed("_bucket").where(("le", "=", le(bound)))


def _slow(measure: Slow, by: tuple[str, ...], storage: Storage, time: int) -> Values:
    flowing = traffic(measure, by, storage, time) or {}
    bucket = at_bound(measure.histogram, measure.bound)
    quick = storage.rates(bucket, by, time, ms(measure.window))
    return {
        labels: 1 - quick[labels] / number
        for labels, number in flowing.items()
        if number > 0 and labels in quick
    }


def _count(measure: Count, by: tuple[str, ...], storage: Storage, time: int) -> Values:
    window = ms(measure.window)
    if measure.bound is None:
        return summed(_counted(measure.counter, storage, time, window), by)
    every = summed(_counted(_named(measure.counter, "_count"), storage, time, window), by)
    quick = summed(_counted(at_bound(measure.counter, measure.bound), storage, time, window), by)
    return {
        labels: math.floor((number - quick[labels]) * HAIR + 0.5) / HAIR
        for labels, number in every.items()
        if labels in quick
    }


def _counted(counter: Selector, storage: Storage, time: int, window: int) -> Iterator[tuple[Key, float]]:
    """What each series counted: all of it if it is new, provided that somebody looked before it came."""
    grown = dict(storage.grown(counter, time, window))
    now = dict(storage.instants(counter, time))
    last = {key: values[-1] for key, values in storage.ranges(counter, time, window)}
    awake = any(True for _ in storage.instants(Selector("up"), time - window))
    old = {key for key, _ in storage.ranges(counter, time - window, BORN_WITHIN)}
    for key in {**grown, **now, **last}:
        if awake and key in last and key not in old:
            yield key, last[key]
        elif key in grown or key in now:
            yield key, grown.get(key, 0.0)


def _level(measure: Level, by: tuple[str, ...], storage: Storage, time: int) -> Values:
    if measure.window is None:
        present: Iterable[tuple[Key, float]] = storage.instants(measure.metric, time)
    else:
        extreme = min if measure.over == "min" else max
        windows = storage.ranges(measure.metric, time, ms(measure.window))
        present = ((key, extreme(values)) for key, values in windows)
    found = together(measure.over, present, by + measure.by)
    scale = _scale(measure.scale)
    return {labels: number * scale for labels, number in found.items()}


def _fill(measure: Fill, by: tuple[str, ...], storage: Storage, time: int) -> Values:
    taken = list(storage.instants(measure.used, time))
    sizes = [] if isinstance(measure.size, Decimal) else list(storage.instants(measure.size, time))
    fixed = float(measure.size) if isinstance(measure.size, Decimal) else None
    if measure.over == "max":
        own = {key.labels: size for key, size in sizes}
        each = (
            (key, number / (fixed or own[key.labels]))
            for key, number in taken
            if fixed or own.get(key.labels)
        )
        return together("max", each, by)
    whole = summed(sizes, by)
    return {
        labels: number / (fixed or whole[labels])
        for labels, number in summed(taken, by).items()
        if fixed or whole.get(labels)
    }


def _only(inner: Values, condition: Values, op: Op, bound: Decimal, by: tuple[str, ...]) -> Values:
    held = {
        labels_of(pair for pair in labels if pair[0] in by)
        for labels, number in condition.items()
        if OPS[op](number, float(bound))
    }
    return {
        labels: number
        for labels, number in inner.items()
        if labels_of(pair for pair in labels if pair[0] in by) in held
    }


def _changes(values: list[float]) -> float:
    return float(sum(left != right for left, right in pairwise(values)))
