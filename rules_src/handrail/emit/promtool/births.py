"""A counter and a window → the story of its series' births: what was counted since counts, what stood before does not.

One instance counts as usual. At other times, each alone in its window, something happens to another instance, and
then so much is shown that it must count whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from handrail.contract import names
from handrail.emit.promtool.feeds import Pace, Value, feeds, selectors
from handrail.emit.promtool.series import At, Feed, Feeds, Impossible, Key, Rise, Timeline, matches
from handrail.emit.promtool.story import Clock, Figure, Story
from handrail.plan import Condition, Increase, Latency, Measure, Ratio, Selector, SlowerThan
from handrail.units import seconds, span

if TYPE_CHECKING:
    from handrail.emit.promtool.guardrails import Director

MUCH = 12
"""So many times what is usual in a window happens at once."""
STOOD = 10
"""So many times of that was counted before, by whoever is there from the start."""
FEW = 12
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
        match self.measure.inner:
            case Ratio(whole=several):
                whole = several
            case Increase(counter=series, bound=None):
                whole = (series,)
            case Latency(histogram=series) | SlowerThan(histogram=series) | Increase(counter=series):
                whole = (series.suffixed("_count"),)
            case _:
                raise TypeError("it counts nothing")
        found = (amount for one in whole for key, amount in feeds.items() if matches(one, key))
        return sum(found, Decimal(0))

    @property
    def usual_events(self) -> Decimal:
        """How many there are in a window as usual."""
        return self.events({key: _step(feed) for key, feed in self.usual.items()}) * self.scrapes

    @property
    def all_events(self) -> Decimal:
        """How many there are in the window in which everything happens at once."""
        return self.usual_events + self.events(self.jump)

    def up(self, instance: str, level: int = 1, **more: str) -> dict[Key, Feed]:
        """The series that says that an instance answers, or (0) that it does not."""
        return {
            Key.of("up", {"job": self.job, "instance": self._named(instance), **more}): At(Decimal(level))
        }

    def shown(self, instance: str, times: Decimal | int, **more: str) -> dict[Key, Feed]:
        """What an instance shows: `times` what happens at once."""
        found: dict[Key, Feed] = {}
        # Of what is judged for each path, another path would be judged by itself.
        apart = {f"{name}_" if name in self.measure.labels else name: text for name, text in more.items()}
        for key, amount in self.jump.items():
            other = Key.of(key.metric, {**dict(key.labels), "instance": self._named(instance), **apart})
            if not self._reads(other):
                raise Impossible("its series cannot be told apart by instance")
            found[other] = At(amount * times)
        return found

    def _named(self, instance: str) -> str:
        """What happens to it happens to all at once that have the same window."""
        return instance if instance == "a" else f"{instance}-{span(self.width)}"

    def _reads(self, key: Key) -> bool:
        return any(matches(selector, key) for selector in selectors(self.measure))


@dataclass(frozen=True)
class Happening:
    """What is there `before` it, and `since`; how much of what happens at once `counts` then.

    What was there before is gone for as long as it was `away`, and what comes is there for a scrape if it `dies`.
    """

    counts: Decimal | int
    before: Feeds
    since: Feeds
    away: timedelta = timedelta()
    dies: bool = False
    estimated: bool = False


SOON, LATE = timedelta(minutes=40), timedelta(minutes=100)
"""Away for so long a series is still remembered, and is not."""


def happenings(counter: Counter) -> tuple[Happening, ...]:
    """All that can happen to what counts, one after the other; whoever starts shows less than all who were there before."""
    up, shown, half = counter.up, counter.shown, Decimal("0.5")
    first = Happening(1, {}, shown("a", 1, path="first"))
    starts = Happening(1, {}, {**up("starts"), **shown("starts", 1)})
    restarts = Happening(
        1,
        {**up("restarts"), **shown("restarts", STOOD)},
        {**up("restarts"), **shown("restarts", 1)},
        estimated=True,
    )
    moves = Happening(
        0, {**up("moves"), **shown("moves", STOOD)}, {**up("moved"), **shown("moved", STOOD + 1)}
    )
    relabelled = Happening(
        0,
        {**up("named"), **shown("named", STOOD)},
        {**up("named", zone="x"), **shown("named", STOOD + 1, zone="x")},
    )
    swaps = Happening(
        0,
        {**up("swaps"), **shown("swaps", STOOD, path="old")},
        {**up("swaps"), **shown("swaps", STOOD + 1, path="new")},
    )
    new_job = Happening(
        0, {}, {**up("scraped", job=f"another-{span(counter.width)}"), **shown("scraped", half)}
    )
    dies = Happening(
        1,
        {**up("dies"), **shown("dies", STOOD)},
        {**up("dies"), **shown("dies", STOOD), **shown("dies", 1, path="last")},
        dies=True,
    )
    returns = Happening(
        1,
        {**up("returns"), **shown("returns", STOOD)},
        {**up("returns"), **shown("returns", STOOD + 1)},
        SOON,
    )
    known = Happening(
        0,
        {**up("known"), **shown("known", STOOD, path="old")},
        {**up("known"), **shown("known", half)},
        SOON + counter.width,
    )
    forgotten = Happening(
        0,
        {**up("long"), **shown("long", STOOD)},
        {**up("long"), **shown("long", STOOD + 1)},
        LATE + counter.width,
    )
    crashes = Happening(
        1,
        {**up("crashes"), **shown("crashes", STOOD)},
        {**up("crashes"), **shown("crashes", 1)},
        counter.width,
        dies=True,
        estimated=True,
    )
    silent = Happening(1, up("silent"), {**up("silent"), **shown("silent", 1)})
    answers = Happening(0, up("answers", level=0), {**up("answers"), **shown("answers", half)})
    pushed = Happening(
        1, shown("pushed", STOOD), {**shown("pushed", STOOD), **shown("pushed", 1, path="late")}
    )
    # Where the job is declared, no other is looked at.
    jobs = () if any(name == "job" for key in counter.jump for name, _ in key.labels) else (new_job,)
    return (
        *(first, starts, silent, pushed, restarts, crashes, moves, relabelled),
        *(swaps, dies, answers, returns, known, forgotten),
        *jobs,
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
    apart = clock.times(counter.width)
    moment, figures, courses = 2 * apart + clock.step, list[Figure](), list[tuple[timedelta, Happening]]()
    blur = scrape / counter.width if counter.width % scrape else 0
    for one in happenings(counter):
        if one.away:  # it was there for a window before it went
            moment = max(moment, clock.times(one.away + 2 * counter.width))
        # Early in the window, so that half of it would not show what happened.
        late = moment - min(counter.width, clock.step) * 4 / 5
        if one.away and one.counts and counter.width == scrape:
            late -= scrape  # what is only more than before is counted up to the scrape before
        courses.append((-(-late // scrape) * scrape, one))
        rough = (
            one.estimated and counter.width < FEW * scrape
        )  # of a reset between few samples little is seen
        for what in () if rough else recorded:
            much = what.usual + (what.much - what.usual) * one.counts
            less = scrape / counter.width if one.estimated else 0  # what follows a reset is an estimate
            figures.append(Figure(what.series, moment, _between(much, blur, less)))
        moment += apart  # when it is out of the window, and the next one counts alone
    figures += [Figure(what.series, moment, _between(what.usual, blur)) for what in recorded]
    courses = [(when, replace(one, away=one.away // scrape * scrape)) for when, one in courses]
    edges = {at for when, one in courses for at in (when, when - one.away, when + one.dies * scrape)}
    timeline = Timeline(scrape)
    for edge in sorted({*edges, moment}):
        now: dict[Key, Feed] = {**counter.up("a"), **counter.usual}
        for when, one in courses:
            if timeline.now >= when and not (one.dies and timeline.now > when):
                now |= one.since
            elif timeline.now < when - one.away:
                now |= one.before
        if edge:
            timeline.play(now, edge - scrape)
    return timeline, figures


def _between(value: Decimal, blur: float, less: float = 0) -> tuple[Decimal, Decimal]:
    """A little less and a little more."""
    off = abs(value) * (NEAR + Decimal(str(blur)) + Decimal(str(less))) + Decimal("0.000001")
    return round(value - off, 6), round(value + off, 6)


def births(director: Director, promise: str, one: Condition) -> Story:
    """A guardrail's counters: its value and its events."""
    subject, signal = director.subject, one.signal
    measure, width = subject.measure(signal), signal.measure.width
    pace = subject.pace(signal)
    if any(other is not signal and _shared(measure, other.measure) for other in director.guardrail.signals):
        raise Impossible("two of its measures look at one series")
    if "instance" in signal.by:
        raise Impossible("each instance is judged by itself")
    calm, far = subject.healthy()[signal.name], subject.far(signal, up=one.is_upper)
    if not isinstance(calm, Decimal) or not isinstance(far, Decimal):
        raise TypeError("what is counted is a number")
    if isinstance(measure.inner, Increase):  # also where few are the breach: what happens at once is more
        far = -(-max(far, MUCH * calm) // 1)
    counter = counter_of(measure, width, subject.rollout.service, pace, calm, far)
    recorded = [Recorded(signal.value, calm, _mixed(measure.inner, calm, far, pace))]
    if isinstance(measure.inner, Latency) and not one.is_upper:
        recorded = []
    if signal.events is not None:
        recorded.append(Recorded(signal.events, counter.usual_events, counter.all_events))
    if signal.traffic is not None:
        each = seconds(width)
        recorded.append(Recorded(signal.traffic, counter.usual_events / each, counter.all_events / each))
    counter = replace(
        counter, usual={**counter.usual, **director.others, **_known_to_others(director, counter)}
    )
    timeline, figures = play(counter, director.clock, director.scrape, recorded)
    return director.story(promise, timeline, (), (), figures=figures)


def _known_to_others(director: Director, counter: Counter) -> Feeds:
    """What others say of the targets from which they count."""
    own = {names.ROLLOUT: director.subject.rollout.name, names.GUARDRAIL: director.guardrail.name}
    moved = {"instance": dict(next(iter(counter.up("moved"))).labels)["instance"]}
    return {Key.of(names.FROM_ZERO, {**own, **moved, label: "other"}): At(Decimal(1)) for label in own}


def _mixed(measure: Measure, calm: Decimal, far: Decimal, pace: Pace) -> Decimal:
    """The value where everything happens at once beside what is usual."""
    match measure:
        case Ratio() | SlowerThan():
            return (far * MUCH + calm) / (MUCH + 1)
        case Latency(q=q, scale=scale):  # what is usual lies below the last bucket, the rest in it and above
            low = pace.edges[-2] * scale if len(pace.edges) > 1 else Decimal(0)
            return low + (far - low) * (q * (MUCH + 1) - 1) / (MUCH * q)
        case Increase():
            return calm + far
        case _:
            return far


def _shared(one: Measure, other: Measure) -> bool:
    metrics = {selector.metric for selector in selectors(one)}
    return any(selector.metric in metrics for selector in selectors(other))


def counter_of(measure: Measure, width: timedelta, job: str, pace: Pace, calm: Value, far: Value) -> Counter:
    """Series that are calm, of an instance `a`, and what they show when so much happens that is far over the limit."""
    labels = {**pace.labels, "instance": "a"}
    usual = feeds(measure, calm, replace(pace, labels=labels))
    scrapes = Decimal(str(width / pace.scrape))
    job = next((text for key in usual for name, text in key.labels if name == "job"), job)
    counter = Counter(measure, width, scrapes, job, usual, {})
    jump = feeds(measure, far, pace.of(max(counter.usual_events, pace.events) * MUCH))
    times = scrapes if isinstance(measure.inner, Increase) else 1
    amounts = {key: _step(feed) * times for key, feed in jump.items()}
    stood = max(amounts.values()) * STOOD
    return replace(counter, usual={k: Rise(_step(feed), stood) for k, feed in usual.items()}, jump=amounts)


def _step(feed: Feed) -> Decimal:
    if not isinstance(feed, Rise):
        raise Impossible("it counts nothing")
    return feed.step
