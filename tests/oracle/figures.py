"""A measure and its limits → figures that lie surely beyond them, or surely within."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from handrail.emit.promtool.series import Impossible
from handrail.plan import (
    Absence,
    Changes,
    Condition,
    Count,
    Difference,
    Forecast,
    Gauge,
    Growth,
    Guardrail,
    Increase,
    Latency,
    Measure,
    Op,
    PromQL,
    Rate,
    Ratio,
    SlowerThan,
    State,
    StateChanges,
    Timestamp,
    Usage,
    While,
)

from oracle.series_feeds import beside, least, whole

MARGIN = Decimal("0.05")
"""How far beside its limit a value lies that is just over or just under it."""
TICK = timedelta(milliseconds=1)
_STRICT = (Op.above, Op.below)


def settles(
    measure: Measure, scrape: timedelta, start: timedelta, *, first: bool, eager: bool = False
) -> timedelta:
    """From when on a steady value that is fed from `start` on, or only since then (`first`), is surely the measure's.

    `eager`: it is so much that it need not fill its window.
    """
    width, judged = measure.width, (Ratio, Latency, SlowerThan, *((Increase, Rate) if eager else ()))
    if isinstance(measure, Absence):
        return start - scrape + width + TICK if start else width
    if isinstance(measure, (*judged, Forecast)) and first:
        return start + scrape
    if isinstance(measure, (*judged, Rate, Growth, Increase, Changes)):
        return start + width + scrape if first else start - scrape + width
    return start - scrape + width + TICK if width and not first else start


def calm(measure: Measure, limits: Iterable[tuple[Op, Decimal]]) -> Decimal:
    """A value far from every limit, on their right side."""
    own = list(limits)
    return whole(measure, _calm(measure, own), own)


def _calm(measure: Measure, own: list[tuple[Op, Decimal]]) -> Decimal:
    low, high = bounds(measure)
    floor = max((limit for op, limit in own if not op.is_upper), default=None)
    roof = min((limit for op, limit in own if op.is_upper), default=None)
    if floor is not None and roof is not None:
        return (floor + roof) / 2
    if roof is not None:
        least = _least(measure)
        if isinstance(measure, Increase | Changes):
            return Decimal(0)
        half = roof / 2 if roof > 0 or low is not None else roof * 2 - 1
        return half if half >= least else (least + roof) / 2
    if floor is None:
        return Decimal(0)
    more = floor * Decimal("1.5") + (floor <= 0)
    return more if high is None or more < high else (floor + high) / 2


def exact(condition: Condition, limit: Decimal) -> bool:
    """Whether a value can be had that is the limit itself, to the last digit."""
    if condition.reference is not None:
        return False
    measure = condition.signal.measure.inner
    match measure:
        case Gauge(scale=scale) | Forecast(scale=scale):
            return scale == 1
        case Difference(scale=scale):
            return scale == 1 and limit % 1 == 0
        case Count():
            return True
        case Usage(used=used, size=size):
            plain = len(used) == 1 and not measure.left  # what is subtracted from 1 is off in the last digit
            return plain and not isinstance(size, Decimal) and len(size) == 1 and (limit * 1000) % 1 == 0
        case Ratio(
            part=(_,), whole=(_,)
        ):  # whole numbers by whole numbers: to the last digit, if there are not too many
            return int(limit.normalize().as_tuple().exponent) >= -6
        case SlowerThan():
            return limit in (0, 1)
        case Ratio() | Latency() | Increase() | Rate() | Growth() | Timestamp() | Changes():
            return False
        case State() | StateChanges() | Absence() | PromQL():
            return False


def just_over(condition: Condition, limit: Decimal, scrape: timedelta) -> Decimal:
    """A value just beyond the limit."""
    measure = condition.signal.measure.inner
    if isinstance(measure, Absence):
        return Decimal(1)
    if isinstance(measure, Timestamp | Count | Changes):
        return beside(measure, condition.op, limit, scrape, beyond=True)
    if isinstance(measure, Increase):
        by = max(Decimal(1), limit * _blur(measure, scrape))
        return limit + by if condition.is_upper else limit - by
    fed_in_fractions = isinstance(measure, Ratio)  # where there are few events
    if condition.op not in _STRICT and not fed_in_fractions and exact(condition, limit):
        return limit
    return _beside(limit, measure, up=condition.is_upper)


def just_under(condition: Condition, limit: Decimal, scrape: timedelta) -> Decimal:
    """A value just on the right side of the limit; the limit itself where that can be had exactly."""
    measure = condition.signal.measure.inner
    if isinstance(measure, Absence):
        return Decimal(0)
    if isinstance(measure, Timestamp | Count | Changes):
        return beside(measure, condition.op, limit, scrape, beyond=False)
    if isinstance(measure, Increase):
        by = _blur(measure, scrape) if limit else Decimal(condition.op not in _STRICT)
        return limit * (1 - by) if condition.is_upper else limit * (1 + by)
    if condition.op in _STRICT and exact(condition, limit):
        return limit
    return _beside(limit, measure, up=not condition.is_upper)


def _blur(measure: Increase, scrape: timedelta) -> Decimal:
    """How far beside a count lies what surely is another."""
    return MARGIN + unsure(measure, scrape)


def adds_up(measure: Measure) -> bool:
    """Whether its value adds up over both arms."""
    return (
        isinstance(measure, Rate | Increase)
        or (isinstance(measure, Gauge | Usage | Difference | Forecast | Changes) and measure.over == "sum")
        or (isinstance(measure, Count) and measure.distinct is None)
    )


def like_now(measure: Measure, guardrail: Guardrail, scrape: timedelta) -> None:
    """Raises Impossible where the past figure differs though nothing has changed."""
    if guardrail.versions and adds_up(measure):
        raise Impossible("how much all versions did back then is not what one arm does")
    if isinstance(measure, Increase) and measure.window % scrape:
        raise Impossible("a window that scrapes do not divide has one more or less than the one back then")


def unsure(measure: Measure, scrape: timedelta) -> Decimal:
    """The share of a count that is not certain: a window that scrapes do not divide has one more or less."""
    uneven = isinstance(measure, Increase) and bool(measure.window % scrape)
    return Decimal(str(scrape / measure.width)) if uneven else Decimal(0)


def bounds(measure: Measure) -> tuple[Decimal | None, Decimal | None]:
    """The lowest and the highest value of a measure."""
    match measure:
        case Ratio() | SlowerThan() | Absence() | Usage(left=True):
            return Decimal(0), Decimal(1)
        case Latency(buckets=buckets, scale=scale):
            return _least(measure), buckets[-1] * scale if buckets else None
        case Increase() | Rate() | Usage():
            return Decimal(0), None
        case Difference() | Timestamp() | Count() | Changes():
            return least(measure), None
        case Gauge(least=lowest, scale=scale) if lowest is not None:
            return lowest * scale, None
        case Gauge() | Growth() | Forecast() | State() | StateChanges() | PromQL() | While():
            return None, None


def _least(measure: Measure) -> Decimal:
    """The least that a quantile can be: all observations lie in the first bucket."""
    if isinstance(measure, Latency) and measure.buckets:
        return measure.buckets[0] * measure.scale * measure.q
    return Decimal(0)


def _beside(limit: Decimal, measure: Measure, *, up: bool) -> Decimal:
    low, high = bounds(measure)
    by = abs(limit) * MARGIN or (
        Decimal("0.01") if isinstance(measure, Ratio | SlowerThan | Usage) else Decimal(1)
    )
    if up and high is not None:
        by = min(by, (high - limit) / 2)
    if not up and low is not None:
        by = min(by, (limit - low) / 2)
    if by <= 0:
        raise Impossible("no value of the measure lies beyond its limit")
    value = limit + by if up else limit - by
    return round(value, 1 - by.adjusted())
