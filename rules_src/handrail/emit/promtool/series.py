"""Phases of an input → one series in promtool's notation, and the samples it stands for.

promtool adds the step again and again, in floats; so does this, so that a value that is computed here is the
value that is computed there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

from handrail.plan import Selector
from handrail.units import plain

Labels = tuple[tuple[str, str], ...]
"""Label names and values, sorted by name."""


def labels_of(given: Iterable[tuple[str, str]]) -> Labels:
    """Sorted, and without the empty ones, which Prometheus takes for absent."""
    return tuple(sorted((name, value) for name, value in given if value))


@dataclass(frozen=True)
class Key:
    """Which series."""

    metric: str
    labels: Labels

    def __str__(self) -> str:
        return str(Selector(self.metric, tuple((name, "=", value) for name, value in self.labels)))


@dataclass(frozen=True)
class Rise:
    """A counter that grows by `step` from scrape to scrape."""

    step: Decimal


@dataclass(frozen=True)
class At:
    """A gauge that stays where it is."""

    level: Decimal


Feed = Rise | At


@dataclass
class Tape:
    """One series as it is written down: runs of numbers, gaps and stale marks, one entry for each scrape."""

    length: int = 0
    value: Decimal | None = None
    texts: list[str] = field(default_factory=list)
    run: tuple[Decimal, Decimal, int] | None = None
    points: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)

    def gap(self, count: int) -> None:
        """Nothing for `count` scrapes."""
        if count > 0:
            self._end_run()
            self.texts.append("_" if count == 1 else f"_x{count}")
            self.length += count

    def play(self, feed: Feed, count: int) -> None:
        """`count` samples of `feed`; a counter goes on from where it was, and is born at 0."""
        if count <= 0:
            return
        step = feed.step if isinstance(feed, Rise) else Decimal(0)
        if isinstance(feed, At):
            start = feed.level
        else:
            start = Decimal(0) if self.value is None else self.value + step
        value, add = self._begin_run(start, step, count), float(step)
        for index in range(self.length, self.length + count):
            self.points.append(index)
            self.values.append(value)
            value += add
        self.length += count
        self.value = start + step * (count - 1)

    def mark(self, owed: Decimal = Decimal(0)) -> None:
        """One scrape that failed: Prometheus writes that the series is stale; a counter counts on meanwhile."""
        self._end_run()
        self.texts.append("stale")
        self.stale.append(self.length)
        self.length += 1
        if self.value is not None:
            self.value += owed

    def lose(self) -> None:
        """The next sample is that of a process that began again."""
        self.value = None

    @property
    def notation(self) -> str:
        """The series as promtool reads it."""
        return " ".join([*self.texts, *([] if self.run is None else [_run(*self.run)])])

    def _begin_run(self, start: Decimal, step: Decimal, count: int) -> float:
        """The first value; a run that only goes on is one with the run before it."""
        if self.run is not None:
            first, pace, length = self.run
            if length > 1 and pace == step and start == first + pace * length:
                self.run = first, pace, length + count
                return self.values[-1] + float(step)
        self._end_run()
        self.run = start, step, count
        return float(start)

    def _end_run(self) -> None:
        if self.run is not None:
            self.texts.append(_run(*self.run))
            self.run = None


def _run(start: Decimal, step: Decimal, count: int) -> str:
    if count == 1:
        return plain(start)
    if step == 0:
        return f"{plain(start)}x{count - 1}"
    return f"{plain(start)}{'+' if step > 0 else '-'}{plain(abs(step))}x{count - 1}"


@dataclass(frozen=True)
class Sampled:
    """One series of a storage: times in ms of what was scraped, and of stale marks."""

    key: Key
    times: list[int]
    values: list[float]
    stale: list[int]

    @cached_property
    def resets(self) -> list[int]:
        """Where a counter began again: indices of samples that are lower than the one before."""
        return [i for i, (before, now) in enumerate(pairwise(self.values), 1) if now < before]

    def window(self, after: int, until: int, *, closed: bool) -> tuple[int, int]:
        """Indices of the samples from `after` (itself only if closed) to `until`."""
        left = bisect_left(self.times, after) if closed else bisect_right(self.times, after)
        return left, bisect_right(self.times, until)

    def at(self, time: int, lookback: int, *, closed: bool) -> float | None:
        """What an instant selector sees."""
        left, right = self.window(time - lookback, time, closed=closed)
        if right == left:
            return None
        marks = bisect_right(self.stale, time)
        if marks and self.stale[marks - 1] > self.times[right - 1]:
            return None
        return self.values[right - 1]
