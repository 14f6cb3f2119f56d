"""What single series show (ages, counts, differences, forecasts, changes) and its value → the series that give it.

Some values are not one figure while their series go on alike: a timestamp grows older from scrape to scrape, and one
window holds a change more than the next. `spread` says how far beside its figure a value may be.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from handrail.emit.promtool.series import At, Impossible, Key, chosen, matches
from handrail.plan import (
    Absence,
    Changes,
    Comparison,
    Condition,
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
    SlowerThan,
    State,
    StateChanges,
    Timestamp,
    Usage,
    While,
    Zero,
)
from handrail.units import seconds

from oracle.series import Clocked, Feeds, Stairs

MOST = 150
"""So many series are written into a test at most."""
BESIDE = Decimal(10)
"""What the lower side of a difference shows."""
_SHARE = Decimal("0.05")
_NUMBERS = ("number", "nth")


def series_selectors(measure: SeriesMeasure) -> list[Selector]:
    """Every series that the measure looks at."""
    match measure:
        case Difference(metric, minus):
            return [metric, minus]
        case Count(presence=presence):
            return [measure.seen, *([] if presence is None else [presence])]
        case Timestamp(metric=metric) | Forecast(metric=metric) | Changes(metric=metric):
            return [metric]


def series_feeds(measure: SeriesMeasure, value: Decimal, labels: dict[str, str], scrape: timedelta) -> Feeds:
    """Series with these labels that give the measure `value`. Raises Impossible where none can."""
    match measure:
        case Timestamp(metric, until, _, scale, zero):
            ahead = value if until else -value
            # Half a second beside the scrapes: it must not be 0 by chance, which may mean "never".
            aside = Decimal(0) if zero is Zero.long_ago else Decimal("0.5")
            return {chosen(metric, labels): Clocked(ahead - aside, scale)}
        case Forecast(metric=metric, scale=scale):
            return {chosen(metric, labels): At(value / scale)}
        case Changes():
            return {chosen(measure.metric, labels): _stairs(measure, value, scrape)}
        case Difference():
            return _two(measure, value / measure.scale, labels)
        case Count():
            return _many(measure, value, labels)


def _two(measure: Difference, value: Decimal, labels: dict[str, str]) -> Feeds:
    one = chosen(measure.metric, labels)
    other = _of_its_group(measure, measure.minus, one, labels)
    if matches(measure.minus, one) or matches(measure.metric, other):
        raise Impossible("what it takes away is among what it takes it from")
    return {one: At(BESIDE + max(value, Decimal(0))), other: At(BESIDE + max(-value, Decimal(0)))}


def _many(measure: Count, value: Decimal, labels: dict[str, str]) -> Feeds:
    """So many series as are wanted, one more that is not, and the one that says that they are reported."""
    if value > MOST:
        raise Impossible(f"{value} series are more than a test should have")
    seen, where, count = measure.seen, measure.where, int(value)
    keys = list(_apart(measure, count + 1, labels))
    found = {key: At(Decimal(1) if where is None else _figure(where, holds=True)) for key in keys[:count]}
    if where is not None:
        found[keys[count]] = At(_figure(where, holds=False))
    if measure.presence is not None:
        there = _of_its_group(measure, measure.presence, keys[0], labels)
        counted = matches(seen, there)
        if counted and where is None:
            raise Impossible("its presence is one of those that it counts")
        level = _figure(where, holds=False) if counted and where is not None else Decimal(0)
        found.setdefault(there, At(level))
    if not found:
        raise Impossible("without any series there is no value, and not 0")
    return found


def _of_its_group(measure: SeriesMeasure, series: Selector, of: Key, labels: dict[str, str]) -> Key:
    """One that is judged together with a series: their labels of `by` are the same."""
    group = {name: text for name, text in of.labels.items() if name in measure.by}
    found = chosen(series, {**labels, **group})
    if {name: text for name, text in found.labels.items() if name in measure.by} != group:
        raise Impossible("what its series match cannot be of one group")
    return found


def paired(measure: Measure, labels: tuple[str, ...], fed: Feeds) -> None:
    """Raises Impossible where what another measure looks at leaves a difference a group with one side; `labels` tell arms apart."""
    if isinstance(measure, While):
        paired(measure.measure, labels, fed)
        paired(measure.condition, labels, fed)
    elif isinstance(measure, Difference):
        one, other = (
            {
                tuple(key.labels.get(name, "") for name in labels + measure.by)
                for key in fed
                if matches(side, key)
            }
            for side in (measure.metric, measure.minus)
        )
        if one != other:
            raise Impossible("two of its measures look at one series, and a difference needs two")


def _apart(measure: Count, count: int, labels: dict[str, str]) -> Iterable[Key]:
    """Different series that are counted, by the label whose values are counted or by one more."""
    free = [name for name in _NUMBERS if name not in labels]
    label = measure.distinct or free[0]
    keys = [chosen(measure.seen, {**labels, label: f"n{number}"}) for number in range(count)]
    if len(set(keys)) < count:
        raise Impossible(f"not so many series could be told apart by {label}")
    return keys


def _figure(where: Comparison, *, holds: bool) -> Decimal:
    """A number of which a comparison holds, or does not."""
    beside = {"==": 0, ">=": 0, "<=": 0, "!=": 1, ">": 1, "<": -1}
    other = {"==": 1, ">=": -1, "<=": 1, "!=": 0, ">": 0, "<": 0}
    return where.figure + Decimal((beside if holds else other)[where.op])


def _stairs(measure: Changes, value: Decimal, scrape: timedelta) -> Stairs:
    """Changes that come so often that each window holds `value` of them or one less."""
    steps, down = measure.window // scrape, -1 if measure.resets else 1
    if value <= 0:
        return Stairs(0, Decimal(down))
    every = max(1, -(-steps // int(value)))
    if (steps - 1) // every < value - 1:
        raise Impossible("so many changes do not lie evenly in its window")
    return Stairs(every, Decimal(down))


def spread(measure: Measure, scrape: timedelta) -> tuple[Decimal, Decimal]:
    """How far below and above its figure a value may be."""
    none = Decimal(0)
    match measure:
        case Timestamp(until=until):
            older = seconds(scrape) + 1
            return (older, none) if until else (none, older)
        case Changes():  # one less in some windows, and another one where it changes how often they come
            return Decimal(2), none
        case Ratio() | Latency() | SlowerThan() | Increase() | Rate() | Gauge() | Usage() | Growth():
            return none, none
        case Difference() | Count() | Forecast() | State() | StateChanges() | Absence() | PromQL() | While():
            return none, none


def counts_targets(measure: Measure) -> bool:
    """Whether it, or what it is bound to, counts targets that answer, or do not."""
    if isinstance(measure, While):
        return counts_targets(measure.measure) or counts_targets(measure.condition)
    return isinstance(measure, Count) and any(one.metric == "up" for one in series_selectors(measure))


def settled(measure: Measure) -> bool:
    """Whether the value is one figure while its series go on alike."""
    return not isinstance(measure, Timestamp | Changes)


def beside(measure: SeriesMeasure, op: Op, limit: Decimal, scrape: timedelta, *, beyond: bool) -> Decimal:
    """A figure whose value is surely `beyond` the limit of a count or a time, or surely not, and near to it."""
    below, above = spread(measure, scrape)
    strict = (op in (Op.above, Op.below)) == beyond
    by = abs(limit) * _SHARE if isinstance(measure, Timestamp) else Decimal(0)
    if op.is_upper == beyond:
        value = (limit + by).to_integral_value(ROUND_FLOOR if strict else ROUND_CEILING) + strict + below
    else:
        value = (limit - by).to_integral_value(ROUND_CEILING if strict else ROUND_FLOOR) - strict - above
    low = least(measure)
    if low is not None and value < low:
        raise Impossible("no value of the measure lies beside its limit")
    return value


def least(measure: SeriesMeasure) -> Decimal | None:
    """The lowest value of a measure; None where there is none."""
    match measure:
        case Count(where=None, presence=None):
            return Decimal(1)
        case Count() | Changes() | Timestamp(until=False) | Difference(absolute=True):
            return Decimal(0)
        case Difference() | Timestamp() | Forecast():
            return None


def series_far(
    measure: SeriesMeasure, limits: list[Decimal], scrape: timedelta, *, up: bool
) -> Decimal | None:
    """A value far beyond these limits, or as far as it goes; None where any is possible."""
    if isinstance(measure, Changes):
        return Decimal(measure.window // scrape) if up else Decimal(0)
    if isinstance(measure, Count) and up:
        return max(limits).to_integral_value(ROUND_FLOOR) + 2
    return None


def whole(measure: Measure, value: Decimal, limits: list[tuple[Op, Decimal]]) -> Decimal:
    """The same value, of what has only whole ones a whole one on the same side of the limits."""
    if not isinstance(measure, Count | Changes):
        return value
    if isinstance(measure, Changes) and value > 0:
        value += 2
    for rounding in (ROUND_FLOOR, ROUND_CEILING):
        found = value.to_integral_value(rounding)
        low = least(measure) or Decimal(0)
        if found >= low and not any(op.breached(found, limit) for op, limit in limits):
            return found
    raise Impossible("between its limits there is no whole number")


def unsteady(condition: Condition) -> None:
    """Raises Impossible where what is compared with is measured as well, and neither is one figure."""
    if isinstance(condition.signal.measure.inner, Changes):
        raise Impossible("how often two series change is not compared to the last change")
