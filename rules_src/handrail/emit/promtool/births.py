"""A counter and a window → the story of its series' births: what was counted since counts, what stood before does not.

One instance counts as usual. At other times, each alone in its window, something happens to another instance, and
then so much is shown that it must count whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from handrail.emit.promtool.feeds import Pace, Value, feeds, selectors
from handrail.emit.promtool.figures import inner, rising, window
from handrail.emit.promtool.series import At, Feed, Feeds, Impossible, Key, Rise, Timeline, matches
from handrail.emit.promtool.story import Clock, Figure, Story
from handrail.plan import Condition, Increase, Latency, Measure, Ratio, Selector, SlowerThan
from handrail.units import span

if TYPE_CHECKING:
    from handrail.emit.promtool.guardrails import Director

MUCH = 1000
"""So many times what is usual in a window happens at once."""
STOOD = 10
"""So many times of that was counted before, by whoever is there from the start."""
NEAR = Decimal("0.01")


@dataclass(frozen=True)
class Counter:
    """What counts events: series that count as usual, and such that had everything happen at once, by instance."""

    measure: Measure
    width: timedelta
    scrapes: Decimal
    job: str
    usual: Feeds
    jump: Mapping[Key, Decimal]

    def events(self, feeds: Mapping[Key, Decimal]) -> Decimal:
        """How many events these are, of all that it counts."""
        match inner(self.measure):
            case Ratio(whole=series) | Increase(counter=series, bound=None):
                whole = series
            case Latency(histogram=series) | SlowerThan(histogram=series) | Increase(counter=series):
                whole = series.suffixed("_count")
            case _:
                raise TypeError("it counts nothing")
        return sum((amount for key, amount in feeds.items() if matches(whole, key)), Decimal(0))

    @property
    def usual_events(self) -> Decimal:
        """How many there are in a window as usual."""
        return self.events({key: _step(feed) for key, feed in self.usual.items()}) * self.scrapes

    @property
    def all_events(self) -> Decimal:
        """How many there are in the window in which everything happens at once."""
        return self.usual_events + self.events(self.jump)

    def up(self, instance: str, **more: str) -> Key:
        """The series that says whether an instance answers."""
        return Key.of("up", {"job": self.job, "instance": self._named(instance), **more})

    def shown(self, instance: str, times: Decimal | int, **more: str) -> dict[Key, Feed]:
        """What an instance shows: `times` what happens at once."""
        found: dict[Key, Feed] = {}
        for key, amount in self.jump.items():
            other = Key.of(key.metric, {**dict(key.labels), "instance": self._named(instance), **more})
            if not self._reads(other):
                raise Impossible("its series cannot be told apart by instance")
            found[other] = At(amount * times)
        return found

    def _named(self, instance: str) -> str:
        """What happens to it happens to all at once that have the same window."""
        return instance if instance == "a" else f"{instance}-{span(self.width)}"

    def _reads(self, key: Key) -> bool:
        return any(matches(selector, key) for selector in selectors(self.measure))


Happening = tuple[bool, Callable[[Counter], tuple[Feeds, Feeds]]]
"""Whether it counts, and what is there before it and from it on."""


def _first(counter: Counter) -> tuple[Feeds, Feeds]:
    """A process that has been there shows series for the first time."""
    return {}, counter.shown("a", 1, path="first")


def _restarts(counter: Counter) -> tuple[Feeds, Feeds]:
    """A process starts anew, and counts from zero."""
    up = {counter.up("restarts"): At(Decimal(1))}
    return {**up, **counter.shown("restarts", STOOD)}, {**up, **counter.shown("restarts", 1)}


def _moves(counter: Counter) -> tuple[Feeds, Feeds]:
    """An exporter has another address, and goes on counting."""
    return (
        {counter.up("moves"): At(Decimal(1)), **counter.shown("moves", STOOD)},
        {counter.up("moved"): At(Decimal(1)), **counter.shown("moved", STOOD + 1)},
    )


def _relabelled(counter: Counter) -> tuple[Feeds, Feeds]:
    """A target gets one more label, and so do its series."""
    return (
        {counter.up("named"): At(Decimal(1)), **counter.shown("named", STOOD)},
        {counter.up("named", zone="x"): At(Decimal(1)), **counter.shown("named", STOOD + 1, zone="x")},
    )


def _swaps(counter: Counter) -> tuple[Feeds, Feeds]:
    """The series of a target get another label, as when arms swap."""
    up = {counter.up("swaps"): At(Decimal(1))}
    return (
        {**up, **counter.shown("swaps", STOOD, path="old")},
        {**up, **counter.shown("swaps", STOOD + 1, path="new")},
    )


def _new_job(counter: Counter) -> tuple[Feeds, Feeds]:
    """A job is scraped that was not."""
    return {}, {
        counter.up("scraped", job=f"another-{span(counter.width)}"): At(Decimal(1)),
        **counter.shown("scraped", Decimal("0.5")),
    }


def _dies(counter: Counter) -> tuple[Feeds, Feeds]:
    """What a process shows that then is there no more."""
    return (
        {counter.up("dies"): At(Decimal(1)), **counter.shown("dies", STOOD)},
        {
            counter.up("dies"): At(Decimal(1)),
            **counter.shown("dies", STOOD),
            **counter.shown("dies", 1, path="last"),
        },
    )


def _starts(counter: Counter) -> tuple[Feeds, Feeds]:
    """A process starts, and has counted already when it is scraped first."""
    return {}, {counter.up("starts"): At(Decimal(1)), **counter.shown("starts", 1)}


HAPPENINGS: tuple[Happening, ...] = (
    (True, _first),
    (True, _starts),
    (True, _restarts),
    (False, _moves),
    (False, _relabelled),
    (False, _swaps),
    (True, _dies),
    (False, _new_job),
)


@dataclass(frozen=True)
class Recorded:
    """A series that is recorded, and what it shows as usual and when everything happens at once."""

    series: Selector
    usual: Decimal
    much: Decimal


def play(
    counter: Counter, clock: Clock, scrape: timedelta, recorded: list[Recorded]
) -> tuple[Timeline, list[Figure]]:
    """All that can happen, one after the other; and what is recorded when it happened and when it is long ago."""
    apart = clock.times(counter.width) + clock.step
    at = 2 * clock.times(counter.width) + 2 * clock.step
    moments = [at + number * apart for number in range(len(HAPPENINGS))]
    lasting: dict[Key, Feed] = {counter.up("a"): At(Decimal(1)), **counter.usual}
    courses: list[tuple[timedelta, timedelta | None, Feeds, Feeds]] = []
    figures: list[Figure] = []
    for (counts, happens), moment in zip(HAPPENINGS, moments, strict=True):
        when = moment - min(counter.width, clock.step) / 2 // scrape * scrape
        when = max(-(-when // scrape) * scrape, (moment - counter.width) // scrape * scrape + scrape)
        before, since = happens(counter)
        gone = when + scrape if happens is _dies else None
        courses.append((when, gone, before, since))
        for one in recorded:
            middle = one.much if counts else one.usual
            estimated = happens is _restarts  # what follows a reset is an estimate, and never too much
            figures.append(
                Figure(one.series, moment, _between(middle, scrape / counter.width if estimated else 0))
            )
            figures.append(Figure(one.series, moment + apart - clock.step, _between(one.usual)))
    last = moments[-1] + apart
    edges = sorted({edge for when, gone, *_ in courses for edge in (when, gone) if edge is not None})
    timeline = Timeline(scrape)
    for edge in [*edges, last + scrape]:
        now = dict(lasting)
        for when, gone, before, since in courses:
            began = timeline.now >= when
            dead = gone is not None and timeline.now >= gone
            now |= {} if dead else since if began else before
        timeline.play(now, edge - scrape)
    return timeline, figures


def _between(value: Decimal, less: float = 0) -> tuple[Decimal, Decimal]:
    """A little less and a little more."""
    by = abs(value) * NEAR + Decimal("0.000001")
    off = by + abs(value) * Decimal(str(less))
    return round(value - off, 6), round(value + (off if value < NEAR else by), 6)


def births(director: Director, promise: str, one: Condition) -> Story:
    """A guardrail's counters: its value and its events."""
    subject, signal = director.subject, one.signal
    measure, width = subject.measure(signal), window(signal.measure)
    pace = subject.pace(signal)
    if any(other is not signal and _shared(measure, other.measure) for other in director.guardrail.signals):
        raise Impossible("two of its measures look at one series")
    calm, far = subject.healthy()[signal.name], subject.far(signal, up=rising(one))
    if not isinstance(calm, Decimal) or not isinstance(far, Decimal):
        raise TypeError("what is counted is a number")
    each = width / director.scrape
    if isinstance(inner(measure), Increase):
        far = -(-far // 1)
    events = pace.events * MUCH * Decimal(str(each))
    counter = counter_of(measure, width, subject.rollout.service, pace, calm, far, events)
    mixed = (far * MUCH + calm) / (MUCH + 1) if isinstance(inner(measure), Ratio | SlowerThan) else far
    recorded = [Recorded(signal.value, calm, mixed)]
    if signal.events is not None:
        recorded.append(Recorded(signal.events, counter.usual_events, counter.all_events))
    timeline, figures = play(counter, director.clock, director.scrape, recorded)
    return director.story(promise, timeline, (), (), figures=figures)


def _shared(one: Measure, other: Measure) -> bool:
    metrics = {selector.metric for selector in selectors(one)}
    return any(selector.metric in metrics for selector in selectors(other))


def counter_of(
    measure: Measure, width: timedelta, job: str, pace: Pace, calm: Value, far: Value, events: Decimal
) -> Counter:
    """Series that are calm, of an instance `a`, and what they show when `events` happen at once that are far over the limit."""
    labels = {**pace.labels, "instance": "a"}
    usual = feeds(measure, calm, replace(pace, labels=labels))
    jump = {key: _step(feed) for key, feed in feeds(measure, far, pace.of(events)).items()}
    if isinstance(inner(measure), Increase):
        times = Decimal(str(width / pace.scrape))
        jump = {key: step * times for key, step in jump.items()}
    stood = max(jump.values()) * STOOD
    return Counter(
        measure,
        width,
        Decimal(str(width / pace.scrape)),
        job,
        {key: Rise(_step(feed), stood) for key, feed in usual.items()},
        jump,
    )


def _step(feed: Feed) -> Decimal:
    if isinstance(feed, At):
        raise Impossible("it counts nothing")
    return feed.step
