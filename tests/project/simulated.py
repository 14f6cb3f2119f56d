"""Events of a service over days and nights, by chance as they come → what its guardrails see of them; pure, seeded."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import accumulate, cycle, pairwise
from random import Random

from handrail.plan import Condition, Latency, Rate, Ratio, SlowerThan

DAY = 24 * 3600
LOOKS = 5
"""So often a window is looked at until it holds other events alone."""
HOLDS = 600
OPS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
UNKNOWN = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5)
"""Buckets of a histogram of which nobody wrote them down."""
Z = 1.645
"""The slowest twentieth of what is normally distributed lies beyond so many standard deviations."""


@dataclass(frozen=True)
class Service:
    """What is normal of a service: events a day, which part of noon's are left at midnight, the share that is bad, and the
    median and the 95th percentile of their times in seconds, which are log-normal.
    """

    daily: float
    night: float = 0.1
    bad: float = 0.0
    median: float = 0.1
    p95: float = 0.3

    def rate(self, at: float) -> float:
        """Events a second, so many seconds after midnight."""
        wave = self.night + (1 - self.night) * (1 - math.cos(2 * math.pi * at / DAY)) / 2
        return self.daily / DAY * wave / ((1 + self.night) / 2)

    def parts(self, measure: Latency | SlowerThan | Ratio | Rate) -> list[float]:
        """The share of each bucket, the last one without a bound; of a share the good part and the bad one."""
        match measure:
            case Latency():
                return shares(bounds_of(measure), self.median, self.p95)
            case SlowerThan(bound=bound, scale=scale):
                return shares([float(bound * scale)], self.median, self.p95)
            case Ratio():
                return [1 - self.bad, self.bad]
            case Rate():
                return [1.0]


def bounds_of(measure: Latency) -> list[float]:
    """Its buckets in seconds."""
    return [float(one * measure.scale) for one in measure.buckets] or list(UNKNOWN)


def many(random: Random, mean: float) -> int:
    """So many events where `mean` are expected."""
    return several(random, mean, 1)[0]


def several(random: Random, mean: float, times: int) -> list[int]:
    """The same, so many times."""
    if mean > 40:
        return [max(0, round(random.gauss(mean, math.sqrt(mean)))) for _ in range(times)]
    chances = at_most(mean)
    return random.choices(range(len(chances)), cum_weights=chances, k=times)


@lru_cache(maxsize=2**15)
def at_most(mean: float) -> list[float]:
    """Poisson's chance of at most no event, at most one, and so on, until that is sure."""
    alone = math.exp(-mean)
    sums = [alone]
    while alone > 1e-18 or len(sums) < mean:
        alone *= mean / len(sums)
        sums.append(sums[-1] + alone)
    return sums


def shares(bounds: Sequence[float], median: float, p95: float) -> list[float]:
    """The part of all requests in each bucket."""
    middle, sigma = math.log(median), math.log(p95 / median) / Z
    below = [0.5 * (1 + math.erf((math.log(bound) - middle) / sigma / math.sqrt(2))) for bound in bounds]
    return [high - low for low, high in pairwise([0.0, *below, 1.0])]


def quantile(counts: Sequence[float], bounds: Sequence[float], q: float = 0.95) -> float:
    """As Prometheus estimates it: by a straight line through the bucket."""
    rank, low = q * sum(counts), 0.0
    for count, high in zip(counts, bounds, strict=False):
        if count and count >= rank:
            return low + (high - low) * rank / count
        rank, low = rank - count, high
    return low


def windows(
    service: Service, parts: Sequence[float], width: float, days: float, seed: int = 1
) -> list[tuple[int, ...]]:
    """The counts of each part in a window that moves on. A rate holds for ten minutes."""
    random, step = Random(seed), width / LOOKS
    rates = [service.rate(at) * step for at in range(HOLDS // 2, DAY, HOLDS)]
    begins = [math.ceil(slot * HOLDS / step) for slot in range(int(days * DAY / HOLDS) + 1)]
    looks = [then - now for now, then in pairwise(begins)]

    def events(part: float) -> Iterator[int]:
        for rate, times in zip(cycle(rates), looks, strict=False):
            yield from several(random, rate * part, times)

    return list(zip(*(moving(events(part), LOOKS) for part in parts), strict=True))


def moving(numbers: Iterable[int], width: int) -> list[int]:
    """The sums of each `width` numbers that follow each other."""
    before = [0, *accumulate(numbers)]
    return list(map(operator.sub, before[width:], before))


def breaks(condition: Condition, figure: float) -> Callable[[Sequence[int]], bool]:
    """Whether events break the limit, by enough of them or by so many bad ones that more good ones would not fix it."""
    measure, least_bad = condition.signal.measure.inner, condition.least_bad
    beyond = OPS[condition.op.value]

    def slow(one: Latency, bounds: Sequence[float], counts: Sequence[int]) -> bool:
        number = sum(counts)
        missing = one.filled_to - number if number < one.min_events else 0
        filled = [counts[0] + missing, *counts[1:]]
        return number > 0 and beyond(quantile(filled, bounds, float(one.q)), figure)

    def bad_or_good(least: int, of_good: bool, counts: Sequence[int]) -> bool:
        good, bad = counts
        enough = good + bad >= least or (least_bad is not None and bad >= least_bad)
        return good + bad > 0 and enough and beyond((good if of_good else bad) / (good + bad), figure)

    match measure:
        case Latency():
            return partial(slow, measure, bounds_of(measure))
        case Ratio(min_events=least) | SlowerThan(min_events=least):
            return partial(bad_or_good, least, isinstance(measure, Ratio) and not measure.bad)
        case Rate(window=window):
            return lambda counts: beyond(sum(counts) / window.total_seconds(), figure)
        case _:
            raise TypeError(f"events of {type(measure).__name__} are not simulated")


def fired(broken: Iterable[bool], sustained: int) -> int:
    """How often it is broken for so many looks after the first."""
    times = lasts = 0
    for one in broken:
        lasts = lasts + 1 if one else 0
        times += lasts == sustained + 1
    return times
