"""A rollout → the stories of what is measured: nothing, then all of it, and then each thing lost by itself.

At first everything is blind. Then there are small different numbers, and what is recorded of them is asked. Then each
guardrail loses one thing after the other, and is blind each time for that reason; several do at once where none of them
looks at what another one loses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from handrail.emit.promtool.arithmetic import Shows, events, groups, parts, selectors, value
from handrail.emit.promtool.boundaries import of_unknown_series
from handrail.emit.promtool.examples import Measured, as_they_must, complete, motion, of_targets, strangers
from handrail.emit.promtool.levels import BUCKETS, MISSING, NUMBERS
from handrail.emit.promtool.series import At, Feed, Feeds, Impossible, Index, Key, Reads, Rise, Timeline
from handrail.emit.promtool.story import Course, Figure, Story, Untestable, instance, seen_before
from handrail.emit.promtool.verdicts import stages_of
from handrail.plan import (
    Absence,
    Changes,
    Count,
    Difference,
    Forecast,
    Gauge,
    Growth,
    Increase,
    Latency,
    Measure,
    PromQL,
    Rate,
    Ratio,
    Rollout,
    Selector,
    SlowerThan,
    State,
    StateChanges,
    Timestamp,
    Usage,
    While,
)
from handrail.units import seconds

LOSES = (
    "Each guardrail is blind until its series exist, then records their values; it is blind again, and says why, when a "
    "series is lost, a histogram loses its buckets or a value is not a number"
)
STEPS = tuple(timedelta(minutes=minutes) for minutes in (20, 120, 1500))
"""How far apart evaluations are: a little more than the windows. Where they are days apart, promtool's store loses samples."""
MOST_SAMPLES = 9000
"""A little less than promtool holds for one question."""
TORN = "one of its series must rise steadily for one measure, and change once for another"
SELDOM = timedelta(minutes=4)
"""More seldom than that, an instant selector would not see a series at every time."""
LOST, NAN, INFINITE = None, At(Decimal("NaN")), At(Decimal("Infinity"))
FAILED, STILL = At(Decimal(1)), Rise(Decimal(0))

Fault = tuple[str, tuple[Selector, ...], At | None]
"""Why it is then blind, which of its series it is, and what they show: nothing (LOST), or what is no value."""
Losses = dict[tuple[tuple[Key, ...], Feed | None], str]
"""Which series are lost, what they show then, and why it is blind."""

Round = tuple[Mapping[Key, Feed | None], list[tuple[str, str]], list[str]]
"""What is lost at an evaluation, who is blind and why, and of whom that is not certain."""


def seldom(every: timedelta, widths: Iterable[timedelta], even: Sequence[timedelta]) -> timedelta:
    """How seldom is scraped for windows of these widths: a few times in each, and the `even` times are multiples of it."""
    most = max(1, min([SELDOM, *(width / 4 for width in widths)]) // every)
    return next((n * every for n in range(most, 0, -1) if not any(w % (n * every) for w in even)), every)


def losses(rollout: Rollout) -> Iterator[Story | Untestable]:
    """One story for all whose windows are about as wide."""
    groups: dict[timedelta, list[list[Measured]]] = {}
    for guardrail in rollout.guardrails:
        if guardrail.split is not None or any(map(of_unknown_series, guardrail.signals)):
            continue
        one = Measured(guardrail)
        step = next((step for step in STEPS if step > one.width), None)
        reason = "promtool may lose samples of so wide a window" if step is None else one.impossible
        if step is None or reason:
            yield Untestable(f"{guardrail.name}, what is measured", reason)
            continue
        _join(rollout, step, one, groups.setdefault(step, []))
    for step, several in sorted(groups.items()):
        for together in several:
            yield from _Story(rollout, step, together).stories()


def _join(rollout: Rollout, step: timedelta, one: Measured, groups: list[list[Measured]]) -> None:
    """With others, if what they are bound to can hold at the same time and all series can move as each of them asks."""
    for group in groups:
        both = _Story(rollout, step, [*group, one])
        if not both.torn and both.holds:
            group.append(one)
            return
    groups.append([one])


@dataclass
class _Story:
    rollout: Rollout
    step: timedelta
    guarded: list[Measured]

    def stories(self) -> Iterator[Story | Untestable]:
        if self.torn:
            yield from (Untestable(f"{one.guardrail.name}, what is measured", TORN) for one in self.guarded)
            return
        every = Index(self.keys)
        for one in list(self.guarded):
            together = max(len(every.read_by([selector])) for selector in one.selectors)
            if together * (self.step / self.scrape) > MOST_SAMPLES:
                reason = "promtool holds too few samples for so wide a window"
                yield Untestable(f"{one.guardrail.name}, what is measured", reason)
                self.guarded.remove(one)
        if self.guarded:
            yield self._story()

    @cached_property
    def scrape(self) -> timedelta:
        """As often as its windows ask, and no more often."""
        some = [one.width for one in self._measures if one.width]
        return seldom(self.rollout.scrape, some, [*some, self.step])

    @cached_property
    def keys(self) -> list[Key]:
        """Every series, each of as many targets as there are."""
        own = complete(key for one in self.guarded for key in one.keys)
        return [*dict.fromkeys(of for key in own for of in of_targets(key))]

    @cached_property
    def _measures(self) -> list[Measure]:
        return [part for one in self.guarded for s in one.guardrail.signals for part in parts(s.measure)]

    @cached_property
    def _changing(self) -> list[Measure]:
        return [one for one in self._measures if isinstance(one, Changes | StateChanges | Gauge)]

    @cached_property
    def _numbers(self) -> dict[Key, Decimal]:
        measures = [signal.measure for one in self.guarded for signal in one.guardrail.signals]
        return as_they_must(self.keys, measures, self._shows)

    @property
    def torn(self) -> bool:
        """Whether a window's left end would decide: a series rises all the time for one measure, and changes for another."""
        rising, _ = self._rising_and_changing
        changing = Reads(one for m in self._changing if m.width for one in selectors(m))
        return any(key in rising and key in changing for key in self.keys)

    @property
    def holds(self) -> bool:
        """Whether all conditions hold that any of its measures is bound to, and each group of a difference has both sides."""
        every = [signal.measure for one in self.guarded for signal in one.guardrail.signals]
        bound = [one for one in every if isinstance(one, While)]
        pairs = [g for m in every if isinstance(m.inner, Difference) for g in groups(m.inner, self.keys)]
        shows = self._shows(self._numbers if bound or pairs else {})
        values = ((one, value(one.condition, shows)) for one in bound)
        paired = all(value(one, shows) is not None for one in pairs)
        return paired and all(
            found is not None and one.op.breached(found, one.bound) for one, found in values
        )

    def _shows(self, numbers: Mapping[Key, Decimal]) -> Shows:
        timeline = Timeline(self.scrape)
        timeline.play({}, self.step)
        feeds: Feeds = {}
        for until, feeds in self._healthy(numbers, self._seeing - self.scrape):
            timeline.play(feeds, until)
        timeline.play(feeds, self._seeing)
        return Shows(timeline, self._seeing)

    @property
    def _seeing(self) -> timedelta:
        """The first evaluation at which all is measured: at the one before whoever is blind fires, and ends now."""
        return 2 * self.step

    def _healthy(self, numbers: Mapping[Key, Decimal], until: timedelta) -> Iterator[tuple[timedelta, Feeds]]:
        """Up to an evaluation: gauges show something else from a third of the narrowest window before it on."""
        moving = [m.width for m in self._changing if m.width]
        if moving:
            aside = min(moving) / 3 // self.scrape * self.scrape or self.scrape
            yield until - aside, self._feeds(numbers, Decimal(1))
            yield until, self._feeds(numbers, Decimal(2))
        else:
            yield until, self._feeds(numbers, Decimal(1))

    def _feeds(self, numbers: Mapping[Key, Decimal], times: Decimal) -> Feeds:
        rising, changing = self._rising_and_changing
        return {
            key: Rise(one, one * 10) if key in rising else At(one * (times if key in changing else 1))
            for key, one in numbers.items()
        }

    @cached_property
    def _rising_and_changing(self) -> tuple[Reads, Reads]:
        rising = Reads(one for m in self._measures if motion(m) for one in selectors(m))
        return rising, Reads(one for m in self._changing for one in selectors(m))

    def _story(self) -> Story:
        stage, seen = stages_of(self.rollout)[0], dict[Key, Feed]()
        for one in self.guarded:
            seen |= seen_before(one.guardrail)
        alerts = {
            instance(one.guardrail.blind, "reason", reason): one.guardrail.blind
            for one in self.guarded
            for reason in self._says
        }
        course = Course(self.step, Timeline(self.scrape), alerts)
        missing = [instance(one.guardrail.blind, "reason", MISSING) for one in self.guarded]
        for _ in range(2):
            course.go_on({**seen, **self._stopped_elsewhere}, missing, stage, shown=["nothing is measured"])
        looks = [course.look(("reason", MISSING))]
        healthy: Round = ({}, [], [])
        reads = [one for m in self._measures for one in selectors(m)]
        beside = {**strangers(self._feeds(self._numbers, Decimal(1)), reads), **self._stopped_elsewhere}
        for one in self.guarded:
            beside |= one.recorded_of_others
        for lost, because, unsure in [healthy, *self._rounds(), *self._stopped()]:
            odd = {key: shown for key in self.keys if (shown := lost.get(key)) is not None}
            here: Feeds = {
                **beside,
                **self._sources,
                **{k: f for k, f in lost.items() if k in self._sources and f},
            }
            last: Feeds = {}
            for until, feeds in self._healthy(self._numbers, course.next - self.scrape):
                last = {key: feed for key, feed in feeds.items() if key not in lost or key in odd}
                course.timeline.play({**last, **here}, until)
            course.go_on(
                {**last, **odd, **here},
                [(name, "reason", reason) for name, reason in because],
                stage,
                unknown=[(name, "reason", reason) for name in unsure for reason in self._says],
                shown=dict.fromkeys(_said(key, feed) for key, feed in lost.items()) or ["all is measured"],
            )
            looks += [look for reason in self._says if (look := course.look(("reason", reason))).alerts]
        course.looks = [look for look in looks if look.alerts]
        return course.story(LOSES, figures=self._figures())

    @cached_property
    def _says(self) -> list[str]:
        """Every reason that is asked for."""
        stopped = (silence.reason for one in self.guarded for silence in one.sources.values())
        return [MISSING, BUCKETS, NUMBERS, *dict.fromkeys(stopped)]

    @cached_property
    def _sources(self) -> dict[Key, Feed]:
        """What says that all that is measured still comes: logs have lines, and no query fails."""
        every = {key: silence for one in self.guarded for key, silence in one.sources.items()}
        known = {
            key: silence for key, silence in every.items() if not any(one.reads(key) for one in self.guarded)
        }
        return {
            key: At(Decimal(0)) if silence.after is None else Rise(Decimal(1))
            for key, silence in known.items()
            if silence.after is None or silence.after < self.step
        }

    @property
    def _stopped_elsewhere(self) -> Feeds:
        """Sources of others, which have stopped."""
        shown_by = [
            one for own in self.guarded for silence in own.sources.values() for one in silence.shown_by
        ]
        others = strangers(self._sources, shown_by)
        return {key: STILL if isinstance(feed, Rise) else FAILED for key, feed in others.items()}

    def _stopped(self) -> Iterator[Round]:
        """Each source stops, one after the other, with all that only those read who come from it: they alone are blind."""
        for key, feed in self._sources.items():
            because = [
                (one.guardrail.blind.name, silence.reason)
                for one in self.guarded
                for silence in dict.fromkeys(one.sources.values())
                if key in Reads(silence.shown_by)
            ]
            blind = {name for name, _ in because}
            others = [one for one in self.guarded if one.guardrail.blind.name not in blind]
            gone = {own: LOST for own in self.keys if not any(one.reads(own) for one in others)}
            yield {**gone, key: STILL if isinstance(feed, Rise) else FAILED}, [*dict.fromkeys(because)], []

    def _figures(self) -> Iterator[Figure]:
        shows = self._shows(self._numbers)
        for one in self.guarded:
            for signal in one.guardrail.signals:
                measure = one.measure(signal)
                try:
                    shown = _summed(measure, shows)
                except Impossible:
                    continue
                yield Figure(self._seeing, signal.value, shown or Decimal(0), int(shown is not None))
                if signal.events is not None and signal.traffic is not None:
                    count = events(measure, shows) or Decimal(0)
                    yield Figure(self._seeing, signal.events, count)
                    yield Figure(self._seeing, signal.traffic, count / seconds(measure.width))

    def _rounds(self) -> Iterator[Round]:
        """Faults that may come together: which series are lost or odd, who is blind and why, and of whom that is not certain."""
        every = Index(complete(key for one in self.guarded for key in one.keys))
        shows = self._shows(self._numbers)
        own = {one.guardrail.blind.name: (one, _faults_of(one, every, shows)) for one in self.guarded}
        faults = dict.fromkeys(
            fault for _, signals in own.values() for several in signals for fault in several
        )
        readers = {name: set(every.read_by(one.selectors)) for name, (one, _) in own.items()}
        rounds: list[list[tuple[tuple[Key, ...], Feed | None]]] = []
        touched: list[set[str]] = []
        for keys, shown in sorted(faults, key=lambda fault: fault[1] is not LOST):
            who = {name for name, read in readers.items() if not read.isdisjoint(keys)}
            place = next((n for n, others in enumerate(touched) if not who & others), None)
            if place is None:
                rounds.append([])
                touched.append(set())
                place = -1
            rounds[place].append((keys, shown))
            touched[place] |= who
        for together in rounds:
            lost = {of: shown for keys, shown in together for key in keys for of in of_targets(key)}
            because, unsure = list[tuple[str, str]](), list[str]()
            for name, (one, signals) in own.items():
                for keys, shown in together:
                    if readers[name].isdisjoint(keys):
                        continue
                    reasons = [
                        several.get((mine, shown))
                        for signal, several in zip(one.guardrail.signals, signals, strict=True)
                        if (mine := one.read(signal, keys))
                    ]
                    if None in reasons:
                        unsure.append(name)
                    because += [(name, reason) for reason in dict.fromkeys(reasons) if reason is not None]
            yield lost, because, unsure


def _said(key: Key, feed: Feed | None) -> str:
    """What is lost of a series, for people."""
    how = {None: "is gone", STILL: "stands still", FAILED: "reports a failure"}
    return f"{key.metric} {how.get(feed, 'is not a number')}"


def _summed(measure: Measure, shows: Shows) -> Decimal | None:
    """The values of all groups added up."""
    each = [value(one, shows) for one in groups(measure, shows.timeline.keys)]
    known = [one for one in each if one is not None]
    return sum(known, Decimal(0)) if known else None


def _faults_of(one: Measured, every: Index, shows: Shows) -> list[Losses]:
    """For each signal everything that it may lose: of which of these series, what they show then, and why it is blind."""
    faults: list[Losses] = []
    for signal in one.guardrail.signals:
        measure, found = one.measure(signal), Losses()
        for reason, lost, shown in _faults(measure):
            if reason != MISSING and isinstance(measure, While) and value(measure, shows) is None:
                continue  # nobody minds while its condition does not hold
            if own := tuple(every.read_by(lost)):
                found.setdefault((own, shown), reason)
        faults.append(found)
    return faults


def _faults(measure: Measure) -> Iterator[Fault]:
    """Everything that a measure may lose of its series."""
    own = tuple(selectors(measure))
    match measure:
        case While(inner, condition):
            if any(one.metric == other.metric for one in selectors(inner) for other in selectors(condition)):
                return
            yield from _faults(inner)
            yield from (fault for fault in _faults(condition) if isinstance(condition, Gauge | Usage | Rate))
        case Ratio(whole=whole):
            yield MISSING, whole, LOST
            yield NUMBERS, whole, NAN
        case Latency() | SlowerThan():
            yield MISSING, own, LOST
            yield BUCKETS, (measure.histogram.suffixed("_bucket"),), LOST
            yield NUMBERS, (measure.histogram.suffixed("_count"),), NAN
        case Usage(used, size):
            yield from ((MISSING, (one,), LOST) for one in own)
            yield from ((NUMBERS, (one,), At(Decimal(-1))) for one in used)
            if not isinstance(size, Decimal) and not measure.unlimited:
                yield from ((NUMBERS, (one,), At(Decimal(0))) for one in size)
        case Gauge() | State():
            yield MISSING, own, LOST
            if not measure.width:
                yield NUMBERS, own, INFINITE
        case Increase(bound=None) | Rate():
            yield MISSING, own, LOST
        case Increase() | StateChanges() | Growth() | Difference() | Timestamp() | Count():
            return
        case Forecast() | Changes() | Absence() | PromQL():
            return
