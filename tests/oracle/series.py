"""What a series does from phase to phase, also what is one figure only to the clock, or moves in stairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from handrail.emit.promtool.series import At, Key, Rise, Run, notation
from handrail.units import seconds


@dataclass(frozen=True)
class Clocked:
    """A timestamp that stays `ahead` seconds ahead of the clock; times `scale` it is in seconds."""

    ahead: Decimal
    scale: Decimal

    def at(self, now: timedelta, scrape: timedelta) -> At:
        """What it shows from now on."""
        return At((self.ahead + seconds(now)) / self.scale, seconds(scrape) / self.scale)


@dataclass(frozen=True)
class Stairs:
    """It stays where it is, but every so many scrapes changes by `step`; never, if that is 0."""

    every: int
    step: Decimal

    def parts(self, count: int) -> Iterator[tuple[int, Rise]]:
        """The same for so many scrapes, which begin with those at which it stays."""
        still = min(self.every or count, count)
        yield still, Rise(Decimal(0))
        for left in range(count - still, 0, -max(self.every, 1)):
            yield 1, Rise(self.step)
            if rest := min(self.every, left) - 1:
                yield rest, Rise(Decimal(0))


Feed = Rise | At | Clocked | Stairs
Feeds = Mapping[Key, Feed]


@dataclass
class Timeline:
    """Phases one after the other, in each of which some series are fed; a series that is not is gone."""

    scrape: timedelta
    phases: list[tuple[int, Feeds]] = field(default_factory=list)

    def play(self, feeds: Feeds, until: timedelta) -> None:
        """Feed these at every scrape up to then, and at least at one."""
        self.phases.append((max(1, (until - self.now) // self.scrape + 1), feeds))

    def last(self, until: timedelta) -> None:
        """Go on as it is, up to then."""
        if self.phases and self.now <= until:
            count, feeds = self.phases[-1]
            self.phases[-1] = count + (until - self.now) // self.scrape + 1, feeds

    @property
    def now(self) -> timedelta:
        """When the next sample is due."""
        return sum(count for count, _ in self.phases) * self.scrape

    @property
    def keys(self) -> dict[Key, None]:
        """Every series there is, in its order."""
        return dict.fromkeys(key for _, feeds in self.phases for key in feeds)

    def alike(self, other: Timeline, key: Key) -> bool:
        """Whether both feed a series alike, and go on so."""
        both = [Timeline(self.scrape, [*one.phases]) for one in (self, other)]
        end = max(one.now for one in both)
        for one in both:
            one.last(end)
        mine, theirs = ((one.phases[-1][1].get(key), one.values(key)) for one in both)
        return mine == theirs

    def series(self) -> dict[Key, str]:
        """Every series and its values."""
        return {key: self.values(key) for key in self.keys}

    def values(self, key: Key) -> str:
        """The values of one series."""
        return notation(self._runs(key), sum(count for count, _ in self.phases))

    def _runs(self, key: Key) -> Iterator[Run]:
        """From which scrape on, and for how many, one series does what."""
        due = 0
        for count, feeds in self.phases:
            feed = feeds.get(key)
            if isinstance(feed, Stairs):
                for some, step in feed.parts(count):
                    yield due, some, step
                    due += some
                continue
            if feed is not None:
                yield (
                    due,
                    count,
                    feed.at(due * self.scrape, self.scrape) if isinstance(feed, Clocked) else feed,
                )
            due += count
