"""A counter and a window → the story of its series' births: what was counted since counts, what stood before does not.

One instance counts as usual. Something else happens to each of several others in one window, and each then shows an
amount of its own, a power of two of what is usual: what is recorded says which of them counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from handrail.contract import names
from handrail.emit.promtool.feeds import Pace, Value, feeds, selectors
from handrail.emit.promtool.series import At, Feed, Feeds, Impossible, Key, Rise, Timeline, matches
from handrail.emit.promtool.story import Clock, Figure, Story
from handrail.plan import Condition, Increase, Latency, Measure, Ratio, Selector, SlowerThan
from handrail.promql.buckets import bucket
from handrail.units import seconds, span

if TYPE_CHECKING:
    from handrail.emit.promtool.guardrails import Director

MUCH = 12
"""So many times what is usual in a window is the least amount that is shown, but for a quantile."""
NOT_COUNTED = 256
"""So many times of that is shown by what does not count: more than by all that does."""
STOOD = 1000
"""So many times of that was counted before, by whoever is there from the start."""
FEW = 12
"""Of a reset between fewer samples than these little is seen."""
NEAR = Decimal("0.01")
SURE = Decimal("0.4")
"""Of the least amount so much may be missing: what follows a reset is an estimate."""
SOON, LATE = timedelta(minutes=40), timedelta(minutes=100)
"""Away for so long a series is still remembered, and is not."""
AT_ONCE = timedelta(minutes=15)
"""It happens so soon after a window began, or sooner in a short one."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Counter:
    """What counts events: series that count as usual, and the least amount of each that is shown at once."""

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

    def all_events(self, times: Decimal | int) -> Decimal:
        """How many there are in a window in which so many times the least amount is shown beside."""
        return self.usual_events + self.events(self.jump) * times

    def up(self, instance: str, level: int = 1, **more: str) -> dict[Key, Feed]:
        """The series that says that an instance answers, or (0) that it does not."""
        return {
            Key.of("up", {"job": self.job, "instance": self._named(instance), **more}): At(Decimal(level))
        }

    def shown(self, instance: str, times: Decimal | int, **more: str) -> dict[Key, Feed]:
        """What an instance shows: so many times the least amount."""
        found: dict[Key, Feed] = {}
        # Of what is judged for each path, another path would be judged by itself.
        apart = {f"{name}_" if name in self.measure.labels else name: text for name, text in more.items()}
        for key, amount in ((key, amount) for key, amount in self.jump.items() if amount):
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
    """What is there `before` it, and `since`; how many times the least amount `counts` then.

    What was there before is gone for as long as it was `away`, and what comes is there for a scrape if it `dies`.
    """

    counts: int
    before: Feeds
    since: Feeds
    away: timedelta = timedelta()
    dies: bool = False


def happenings(counter: Counter, scrape: timedelta) -> Iterator[Happening]:
    """All that can happen to what counts; whoever starts shows less than all who were there before."""
    up, shown, width, no = counter.up, counter.shown, counter.width, NOT_COUNTED

    def stood(name: str, more: int = 0, **labels: str) -> dict[Key, Feed]:
        return {**up(name), **shown(name, STOOD + more, **labels)}

    if width >= FEW * scrape:
        yield Happening(1, stood("restarts"), {**up("restarts"), **shown("restarts", 1)})
        died = {**up("crashes"), **shown("crashes", 2)}
        yield Happening(2, stood("crashes"), died, away=min(width, SOON), dies=True)
    yield Happening(4, {}, shown("a", 4, path="first"))
    yield Happening(8, {}, {**up("starts"), **shown("starts", 8)})
    yield Happening(16, up("silent"), {**up("silent"), **shown("silent", 16)})
    late = {**shown("pushed", STOOD), **shown("pushed", 32, path="late")}
    yield Happening(32, shown("pushed", STOOD), late)
    last = {**stood("dies"), **shown("dies", 64, path="last")}
    yield Happening(64, stood("dies"), last, dies=True)
    yield Happening(128, stood("returns"), stood("returns", 128), away=SOON)
    yield Happening(0, stood("moves"), stood("moved", no))
    zone = {**up("named", zone="x"), **shown("named", STOOD + no, zone="x")}
    yield Happening(0, stood("named"), zone)
    yield Happening(0, stood("swaps", path="old"), stood("swaps", no, path="new"))
    yield Happening(0, up("answers", level=0), {**up("answers"), **shown("answers", no)})
    known = {**up("known"), **shown("known", no)}
    yield Happening(0, stood("known", path="old"), known, away=SOON)
    yield Happening(0, stood("long"), stood("long", no), away=LATE)
    # Where the job is declared, no other is looked at.
    if not any(name == "job" for key in counter.jump for name, _ in key.labels):
        job = up("scraped", job=f"another-{span(width)}")
        yield Happening(0, {}, {**job, **shown("scraped", no)})


@dataclass(frozen=True)
class Recorded:
    """A series that is recorded, and what it shows as usual and when all has happened."""

    series: Selector
    usual: Decimal
    much: Decimal
    off: Decimal | None = None
    """How far beside that it may be; None: as a count may."""


def counts(counter: Counter, scrape: timedelta) -> int:
    """How many times the least amount counts, when all has happened."""
    return sum(one.counts for one in happenings(counter, scrape))


def moments(width: timedelta) -> timedelta:
    """How far apart evaluations are: all that must be there before, and what happens, lies between two of them."""
    return -(-(LATE + 3 * width) // HOUR) * HOUR


def play(
    counter: Counter, clock: Clock, scrape: timedelta, recorded: list[Recorded]
) -> tuple[Timeline, list[Figure]]:
    """All that can happen, at once; and what is recorded when it happened and when it is long ago."""
    width, found = counter.width, list(happenings(counter, scrape))
    moment = clock.first(moments(width))
    # Early in the window, so that half of it would not show what happened.
    when = -(-(moment - width + min(width / 5, AT_ONCE)) // scrape) * scrape
    blur = Decimal(str(scrape / width)) if width % scrape else Decimal(0)
    sure, later = SURE / counts(counter, scrape) + blur, moment + clock.step
    offs = [what.much * sure if what.off is None else what.off + what.much * blur for what in recorded]
    figures = [
        Figure(what.series, moment, _between(what.much, off))
        for what, off in zip(recorded, offs, strict=True)
    ]
    figures += [
        Figure(what.series, later, _between(what.usual, what.usual * (NEAR + blur))) for what in recorded
    ]
    courses = []
    for one in found:
        # What is only more than before is counted up to the scrape before.
        sooner = scrape if one.away and one.counts and width == scrape else timedelta()
        courses.append((when - sooner, replace(one, away=one.away // scrape * scrape)))
    edges = {at for when, one in courses for at in (when, when - one.away, when + one.dies * scrape)}
    timeline = Timeline(scrape)
    for edge in sorted({*edges, later}):
        now: dict[Key, Feed] = {**counter.up("a"), **counter.usual}
        for when, one in courses:
            if timeline.now >= when and not (one.dies and timeline.now > when):
                now |= one.since
            elif timeline.now < when - one.away:
                now |= one.before
        if edge:
            timeline.play(now, edge - scrape)
    return timeline, figures


def _between(value: Decimal, off: Decimal) -> tuple[Decimal, Decimal]:
    """A little less and a little more."""
    by = abs(off) + Decimal("0.0000001")
    return round(value - by, 8), round(value + by, 8)


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
    times = Decimal(counts(counter, director.scrape))
    much = _mixed(counter, calm, far, pace, times)
    off = (
        _mixed(counter, calm, far, pace, times + SURE) - much if isinstance(measure.inner, Latency) else None
    )
    recorded = [Recorded(signal.value, calm, much, off)]
    if isinstance(measure.inner, Latency) and not one.is_upper:
        recorded = []
    if signal.events is not None:
        recorded.append(Recorded(signal.events, counter.usual_events, counter.all_events(times)))
    if signal.traffic is not None:
        each = seconds(width)
        recorded.append(
            Recorded(signal.traffic, counter.usual_events / each, counter.all_events(times) / each)
        )
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


def _mixed(counter: Counter, calm: Decimal, far: Decimal, pace: Pace, times: Decimal) -> Decimal:
    """The value where so many times the least amount is shown beside what is usual."""
    much = counter.events(counter.jump) / counter.usual_events * times if counter.usual_events else times
    match counter.measure.inner:
        case Ratio() | SlowerThan():
            return (far * much + calm) / (much + 1)
        case Latency(q=q, scale=scale, histogram=series):
            # Of what is usual most lies below the last bucket and the rest in it; of what is shown at once, `q`.
            low = pace.edges[-2] if len(pace.edges) > 1 else Decimal(0)
            usual = {key: _step(feed) * counter.scrapes for key, feed in counter.usual.items()}
            under = sum(amount for key, amount in usual.items() if low and matches(bucket(series, low), key))
            below = under / counter.usual_events
            within = (q * (much + 1) - below) / (1 - below + q * much)
            return low * scale + (far - low * scale) * within
        case Increase():
            return calm + far * times
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
    much = Decimal(MUCH)
    if isinstance(measure.inner, Latency):  # so little that the quantile depends on it
        much = 2 / measure.inner.q / NOT_COUNTED
    jump = feeds(measure, far, pace.of(max(counter.usual_events, pace.events) * much // 1))
    times = scrapes if isinstance(measure.inner, Increase) else 1
    amounts = {key: _step(feed) * times for key, feed in jump.items()}
    stood = max(amounts.values()) * STOOD
    return replace(counter, usual={k: Rise(_step(feed), stood) for k, feed in usual.items()}, jump=amounts)


def _step(feed: Feed) -> Decimal:
    if not isinstance(feed, Rise):
        raise Impossible("it counts nothing")
    return feed.step
