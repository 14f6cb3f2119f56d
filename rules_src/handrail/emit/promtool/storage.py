"""Series → what Prometheus sees of them at a time: instants, ranges, rates.

Ported from promql/functions.go (extrapolatedRate) and promql/quantile.go of Prometheus 2.42 and 3.5, which
differ: before 3.0 a range includes the sample at its left end (`closed`), since 3.0 it does not; and the zero
point of a counter is looked at before or after the threshold.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache

from handrail.emit.promtool.series import Key, Labels, Sampled, labels_of
from handrail.plan import Selector

Values = dict[Labels, float]

LOOKBACK = 300_000
"""How long an instant selector looks back, in ms."""


@cache
def _regex(text: str) -> re.Pattern[str] | None:
    """None where Prometheus reads it otherwise than Python: `[[:digit:]]`, `\\pL`. Nothing is then known to fit."""
    if "[[:" in text:
        return None
    try:
        return re.compile(text)
    except re.error:
        return None


def matches(selector: Selector, key: Key) -> bool:
    """Whether the selector selects the series."""
    if selector.metric != key.metric:
        return False
    labels = dict(key.labels)
    return all(fits(op, value, labels.get(label, "")) for label, op, value in selector.matchers)


def fits(op: str, wanted: str, value: str) -> bool:
    """Whether a label's value fits one matcher."""
    if op in ("=", "!="):
        return (value == wanted) == (op == "=")
    pattern = _regex(wanted)
    return pattern is not None and (pattern.fullmatch(value) is not None) == (op == "=~")


@dataclass
class Storage:
    """What was scraped, seen as Prometheus before 3.0 (`closed`) or since sees it."""

    series: list[Sampled]
    closed: bool
    _found: dict[Selector, list[Sampled]] = field(default_factory=dict)
    _rates: dict[tuple[Selector, tuple[str, ...], int, int], Values] = field(default_factory=dict)

    def select(self, selector: Selector) -> list[Sampled]:
        """The series of a selector."""
        found = self._found.get(selector)
        if found is None:
            found = self._found[selector] = [one for one in self.series if matches(selector, one.key)]
        return found

    def instants(self, selector: Selector, time: int) -> Iterator[tuple[Key, float]]:
        """The present value of every series."""
        for one in self.select(selector):
            value = one.at(time, LOOKBACK, closed=self.closed)
            if value is not None:
                yield one.key, value

    def ranges(self, selector: Selector, time: int, window: int) -> Iterator[tuple[Key, list[float]]]:
        """The samples in the window of every series that has one."""
        for one in self.select(selector):
            left, right = one.window(time - window, time, closed=self.closed)
            if right > left:
                yield one.key, one.values[left:right]

    def grown(
        self, selector: Selector, time: int, window: int, *, counter: bool = True, rate: bool = False
    ) -> Iterator[tuple[Key, float]]:
        """increase, rate or delta of every series that has two samples in the window."""
        for one in self.select(selector):
            left, right = one.window(time - window, time, closed=self.closed)
            if right - left >= 2:
                yield one.key, self._extrapolated(one, left, right, time, window, counter=counter, rate=rate)

    def rates(self, selector: Selector, by: tuple[str, ...], time: int, window: int) -> Values:
        """sum by (…) (rate(…)); kept, since many ask for the same."""
        asked = selector, by, time, window
        found = self._rates.get(asked)
        if found is None:
            found = self._rates[asked] = summed(self.grown(selector, time, window, rate=True), by)
        return found

    def _extrapolated(
        self, one: Sampled, left: int, right: int, time: int, window: int, *, counter: bool, rate: bool
    ) -> float:
        values, times = one.values, one.times
        first, last = values[left], values[right - 1]
        result = last - first
        if counter:
            result += sum(values[index - 1] for index in one.resets if left < index < right)
        to_start = (times[left] - (time - window)) / 1000
        to_end = (time - times[right - 1]) / 1000
        sampled = (times[right - 1] - times[left]) / 1000
        between = sampled / (right - left - 1)
        threshold = between * 1.1
        to_zero = math.inf
        if counter and result > 0 and first >= 0:
            to_zero = sampled * (first / result)
        if self.closed:
            to_start = min(to_start, to_zero)
            to_start = to_start if to_start < threshold else between / 2
        else:
            to_start = between / 2 if to_start >= threshold else to_start
            to_start = min(to_start, to_zero)
        to_end = to_end if to_end < threshold else between / 2
        factor = (sampled + to_start + to_end) / sampled
        if rate:
            factor /= window / 1000
        return result * factor


@lru_cache(4096)
def parted(key: Key, by: tuple[str, ...]) -> Labels:
    """The labels that an aggregation by these keeps."""
    known = dict(key.labels)
    return labels_of((label, known.get(label, "")) for label in by)


def summed(series: Iterable[tuple[Key, float]], by: tuple[str, ...]) -> Values:
    """sum by (…) (…)."""
    found: Values = {}
    for key, number in series:
        labels = parted(key, by)
        found[labels] = found.get(labels, 0.0) + number
    return found


def together(how: str, series: Iterable[tuple[Key, float]], by: tuple[str, ...]) -> Values:
    """An aggregation by its PromQL name."""
    found: dict[Labels, list[float]] = {}
    for key, number in series:
        found.setdefault(parted(key, by), []).append(number)
    return {labels: _HOW[how](numbers) for labels, numbers in found.items()}


_HOW: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "max": max,
    "min": min,
    "avg": lambda numbers: sum(numbers) / len(numbers),
}


def quantile(q: float, buckets: list[tuple[float, float]]) -> float:
    """histogram_quantile over cumulative (upper bound, count), sorted, the last one being +Inf."""
    if len(buckets) < 2:
        return math.nan
    highest = 0.0
    whole = [(bound, highest := max(highest, count)) for bound, count in buckets]
    observations = whole[-1][1]
    if observations == 0:
        return math.nan
    rank = q * observations
    index = next((i for i, (_, count) in enumerate(whole[:-1]) if count >= rank), len(whole) - 1)
    if index == len(whole) - 1:
        return whole[-2][0]
    if index == 0 and whole[0][0] <= 0:
        return whole[0][0]
    start, end, count = 0.0, whole[index][0], whole[index][1]
    if index > 0:
        start = whole[index - 1][0]
        count -= whole[index - 1][1]
        rank -= whole[index - 1][1]
    return start + (end - start) * (rank / count)
