"""Targets that come and go: what counters show in the life of each, and how many events a window then has."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from handrail.emit.promtool.arithmetic import INSTANCE, LE, PLACE, Counting, bound_of, counters, quantile
from handrail.emit.promtool.series import Feeds, Key, Reads, Rise, matches
from handrail.plan import EventMeasure, Increase, Latency, Ratio, Selector, SlowerThan
from handrail.promql.buckets import bucket

Shows = tuple[int | None, ...]
_ALIVE: Shows = (1, 1, 1, 1, 1, 1, 1, 1)


@dataclass(frozen=True)
class Life:
    """A target: what its counters show from phase to phase, or that they are not there.

    The phases end 80 and 40 minutes before the window, half a window before it, and when it begins; then come its
    thirds, and its last scrape. `up` is the same of its scrapes, `counts` the events in the window. `place` is one more
    label, where it has one.
    """

    name: str
    shows: Shows
    up: Shows = _ALIVE
    counts: int = 0
    place: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """Those that tell it apart."""
        return {INSTANCE: self.name, PLACE: self.place}


_NO: Shows = (None, None, None, None)
_NEW: Shows = (*_NO, 1, 1, 1, 1)
LIVES = (
    Life("steady", (90, 90, 90, 100, 101, 102, 103, 103), counts=3),
    Life("idle", (0,) * 8),
    Life("begins-to-fail", (40,) * 8, place="same"),
    Life("begins-to-fail", (0, 0, 0, 0, 0, 0, 0, None), place="old"),
    Life("begins-to-fail", (*_NO, 50, 60, 70, 70), counts=70, place="new"),
    Life("moves", (None, None, None, 600, *_NO), place="old"),
    Life("moves", (*_NO, 300, 300, 300, 300), place="new"),
    Life("moves", (*_NO, 300, 300, 300, 300), place="newer"),
    Life("moves-in-part", (300, 300, 300, 300, 300, 300, 300, None), place="old"),
    Life("moves-in-part", (300, 300, 300, 300, 300, 300, 300, None), place="older"),
    Life("moves-in-part", (900,) * 8, place="same"),
    Life("moves-in-part", (*_NO, None, 400, 500, 700), counts=700, place="new"),
    Life("dies", (700, 700, 700, 700, 700, None, None, None), up=(1, 1, 1, 1, 1, 0, 0, 0), place="old"),
    Life("dies", (*_NO, 800, None, None, None), up=(1, 1, 1, 1, 1, 0, 0, 0), counts=800, place="new"),
    Life("away-for-an-hour", (20, 20, None, None, None, None, None, 22), counts=2, place="same"),
    Life("away-for-an-hour", (10, 10, None, None, None, None, None, 11), counts=1, place="other"),
    Life("away-for-longer", (10, None, None, None, None, None, None, 15), up=(1, 1, 1, 0, 1, 1, 1, 1)),
    Life("restarts", (800, 800, 900, 1000, 1010, 1040, 30, 30), counts=60),
    Life("restarts-before", (200, 200, 200, 200, 50, 150, 250, 250), counts=200),
    Life("restarts-just-now", (500, 500, 500, 500, None, None, None, 40), counts=40),
    Life("new", (*_NO, 20, 30, 40, 50), up=_NEW, counts=50),
    Life("newly-scraped", (*_NO, 18, 60, 120, 120), up=_NEW, counts=102, place="same"),
    Life("newly-scraped", (*_NO, 17, 50, 90, 90), up=_NEW, counts=73, place="other"),
    Life("scraped-again", (*_NO, None, None, None, 10), up=(1, 1, None, None, None, None, None, 1)),
    Life("forgotten", (*_NO, None, None, None, 11), up=(1, None, None, *_NO, 1), counts=11),
    Life("does-not-answer", (*_NO, None, None, None, 12), up=(None, None, None, 0, 1, 1, 1, 1)),
    Life("renamed", (*_NO, *_NO), up=(1, 1, 1, 1, *_NO), place="old"),
    Life("renamed", (*_NO, 750, 750, 750, 750), up=_NEW, place="new"),
    Life("renamed-before", (*_NO, *_NO), up=(1, 1, 1, None, *_NO), place="old"),
    Life(
        "renamed-before", (*_NO, 90, 90, 90, 90), up=(None, None, None, 1, 1, 1, 1, 1), counts=90, place="new"
    ),
    Life("unscraped", (None, None, None, 120, 120, None, None, None), up=(*_NO, *_NO), place="old"),
    Life("unscraped", (*_NO, None, None, 40, 40), up=(*_NO, *_NO), counts=40, place="new"),
)

STEADY = LIVES[0]
LATER = (Life(STEADY.name, (STEADY.shows[-1], 113), counts=10),)
"""Only one is there still, and goes on counting."""


@dataclass(frozen=True)
class Counted:
    """Counters, each of which is there once for each life, times as large as its feed says."""

    fed: Feeds
    lives: tuple[Life, ...] = LIVES

    def events(self, measure: Counting) -> Decimal:
        """How many events it judges."""
        counted, left_out = counters(measure)
        return self._sum(*counted) - self._sum(*left_out)

    def part(self, measure: Ratio) -> Decimal:
        """How many of them the share is the share of."""
        return self._sum(*measure.part)

    def value(self, measure: Counting) -> Decimal | None:
        """The measure's value; None where there is none."""
        count, reads = self.events(measure), Reads(counters(measure)[0])
        if not (count if isinstance(measure, EventMeasure) else any(key in reads for key in self.series)):
            return None
        match measure:
            case Increase():
                return count
            case Ratio(beside=beside):
                share = self.part(measure) / count
                return min(share, Decimal(1)) if beside else share
            case SlowerThan(histogram=series, bound=bound):
                return 1 - self._sum(bucket(series, bound)) / count
            case Latency(histogram=series):
                return quantile(measure, self._buckets(series.suffixed("_bucket")))

    def _buckets(self, buckets: Selector) -> dict[Decimal, Decimal]:
        """What is counted up to each bound."""
        bounds = {key.labels[LE] for key in self.fed if matches(buckets, key)}
        return {Decimal(bound): self._sum(buckets.where((LE, "=", bound))) for bound in bounds}

    def _sum(self, *selectors: Selector) -> Decimal:
        every = ((one, key, counts) for one in selectors for key, counts in self._counts.get(one.metric, ()))
        return sum((counts for one, key, counts in every if matches(one, key)), Decimal(0))

    @cached_property
    def _counts(self) -> dict[str, list[tuple[Key, Decimal]]]:
        """Of each metric: every counter, and how many events all its lives have."""
        found: dict[str, list[tuple[Key, Decimal]]] = {}
        for key, several in self.series.items():
            counts = sum((step * life.counts for life, _, step in several), Decimal(0))
            found.setdefault(key.metric, []).append((key, counts))
        return found

    @cached_property
    def series(self) -> dict[Key, list[tuple[Life, Key, Decimal]]]:
        """Of every counter the series of each life, and by how much it rises where the life's number does by 1."""
        return {
            key: [
                (
                    life,
                    key.but(life.labels),
                    feed.step * self._weight(key, life),
                )
                for life in self.lives
            ]
            for key, feed in self.fed.items()
            if isinstance(feed, Rise)
        }

    def _weight(self, key: Key, life: Life) -> int:
        """Some lives have more quick observations than others: a quantile of them all is not that of each."""
        bounds = self._bounds.get(key.metric.removesuffix("_count") + "_bucket", self._bounds.get(key.metric))
        if self.lives is not LIVES or bounds is None:
            return 1
        bound = bound_of(key)
        return 4 if bound is None or bound >= bounds[-2:][0] else 1 + LIVES.index(life) % 4

    @cached_property
    def _bounds(self) -> dict[str, list[Decimal]]:
        """The bounds of each histogram, the least first."""
        bounds: dict[str, set[Decimal]] = {}
        for key, feed in self.fed.items():
            if isinstance(feed, Rise) and (bound := bound_of(key)) is not None:
                bounds.setdefault(key.metric, set()).add(bound)
        return {metric: sorted(several) for metric, several in bounds.items()}
