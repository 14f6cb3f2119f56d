"""Guardrails that count events → the story of targets that come and go: what of their counters is recorded, in numbers.

Every series of a counter is there once for each life, times as large as it should weigh. So shares are what they would be
of one target, and the sum is that of all lives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache, cached_property
from typing import TypeGuard

from handrail.contract import names
from handrail.emit.promtool.arithmetic import INSTANCE, Counting, groups, parts, selectors
from handrail.emit.promtool.attempts import stable_of
from handrail.emit.promtool.examples import Measured, complete, small_numbers, strangers
from handrail.emit.promtool.lives import LATER, LIVES, STEADY, Counted, Life
from handrail.emit.promtool.losses import MOST_SAMPLES, seldom
from handrail.emit.promtool.series import OTHER, At, Feeds, Impossible, Key, Reads, Rise, Timeline
from handrail.emit.promtool.story import Figure, Story, Untestable
from handrail.emit.promtool.verdicts import stages_of
from handrail.plan import Latency, Measure, Ratio, Rollout, Selector, Signal
from handrail.promql.counting import REMEMBERED
from handrail.units import seconds

COUNTS = (
    "The first events of a new process count in full; what was counted before the first scrape, or is seen again after "
    "a gap, a move or a changed label, does not count again"
)
JOB, UP = "job", "up"
BEFORE = (timedelta(minutes=80), timedelta(minutes=40))
"""So long before the window a life changes: rules remember for an hour."""
FIRST = timedelta(minutes=100)
"""The window begins so long after the first scrape."""
_ELSEWHERE = (STEADY.name, "new")
"""The lives that are enough to see that nobody reads a series."""
_PAST = timedelta(hours=1)
SO_MANY = "promtool holds too few samples for the hour that rules remember"


def counting(rollout: Rollout) -> Iterator[Story | Untestable]:
    """One story for each width of windows and each job."""
    groups: dict[tuple[timedelta, str, bool], list[Measured]] = {}
    for guardrail in rollout.guardrails:
        one = Measured(guardrail)
        widths = {signal.measure.width for signal in guardrail.signals if _counts(signal.measure)}
        if guardrail.split is not None or len(widths) != 1:
            continue
        try:
            labels = [key.labels for key in one.keys]
        except Impossible:
            continue  # losses.py says why
        jobs, [width] = {own.get(JOB, "") for own in labels}, widths
        reads = [read for signal in guardrail.signals for read in selectors(signal.measure)]
        if len(jobs) == 1 and not any(INSTANCE in own for own in labels) and width < 2 * BEFORE[-1]:
            of_job = (Selector(UP, tuple(m for m in read.matchers if m[0] == JOB)) for read in reads)
            pinned = Key.of(UP, {JOB: OTHER}) not in Reads(of_job)
            groups.setdefault((width, jobs.pop(), pinned), []).append(one)
    for (width, _, pinned), guarded in groups.items():
        seldomer = width >= _PAST or REMEMBERED / rollout.scrape > MOST_SAMPLES
        scrape = seldom(rollout.scrape, [width], [width]) if seldomer else rollout.scrape
        if REMEMBERED / scrape > MOST_SAMPLES:
            yield from (
                Untestable(f"{one.guardrail.name}, targets that come and go", SO_MANY) for one in guarded
            )
        elif not width % scrape and 4 * scrape <= width:
            yield _Counting(rollout, width, scrape, tuple(_chosen(guarded)), pinned).story()


def _chosen(guarded: Iterable[Measured]) -> Iterator[Measured]:
    """Each kind of measure once, for its counters are counted alike; and all that look at no others."""
    keys, kinds = set[Key](), set[object]()
    for one in guarded:
        arms = one.guardrail.arms is not None
        kind = (arms, *((type(s.measure), bool(s.measure.labels)) for s in one.guardrail.signals))
        if kind not in kinds or one.keys.keys() <= keys:
            keys |= one.keys.keys()
            kinds.add(kind)
            yield one


@dataclass(frozen=True)
class _Counting:
    rollout: Rollout
    width: timedelta
    scrape: timedelta
    guarded: tuple[Measured, ...]
    pinned: bool

    def story(self) -> Story:
        """All lives, and then only one that goes on, without anything bad."""
        width, end = self.width, FIRST + self.width
        timeline, counted = Timeline(self.scrape), Counted(self._fed)
        changes = [*(FIRST - before for before in (*BEFORE, width / 2, timedelta()))]
        third = width // self.scrape // 3 * self.scrape
        changes += [FIRST + third, FIRST + 2 * third, end - self.scrape, end]
        aside = -FIRST % self.scrape + self.scrape / 2  # no scrape falls on an end of the window
        for phase, until in enumerate(changes):
            timeline.play(_lived(counted, phase, pinned=self.pinned), until + aside)
        at = end + aside
        figures = [*self._figures(counted, at)]
        good = self._without_parts
        if len(good) < len(self._fed):
            later = Counted(good, LATER)
            for phase, until in enumerate((2 * at - width, 2 * at)):
                timeline.play(_lived(later, phase), until)
            figures += self._figures(later, 2 * at)
        stage = stages_of(self.rollout)[0]
        return Story(COUNTS, at, timeline, (stage,) * 3, figures=tuple(figures))

    @cached_property
    def _measures(self) -> list[Measure]:
        return [m for one in self.guarded for s in one.guardrail.signals for m in parts(s.measure)]

    @cached_property
    def _fed(self) -> Feeds:
        """Small steps, of the stable arm seven times as large, as of what nobody should read."""
        numbers = small_numbers(complete(key for one in self.guarded for key in one.keys), self._measures)
        other = {
            (one.arms.label, stable_of(one.arms))
            for m in self.guarded
            if (one := m.guardrail).arms is not None
        }
        own = {key: Rise(one * (7 if other & key.labels.items() else 1)) for key, one in numbers.items()}
        reads = [read for one in self.guarded for read in one.selectors]
        return {**strangers(own, reads), **own, **self._recorded_of_others}

    @property
    def _recorded_of_others(self) -> dict[Key, At]:
        """A target that counts from zero for others alone."""
        life = next(life for life in LIVES if not life.counts)
        found = dict[Key, At]()
        for one in self.guarded:
            own = {names.ROLLOUT: self.rollout.name, names.GUARDRAIL: one.guardrail.name}
            for label in own:
                found[Key.of(names.FROM_ZERO, {**own, label: OTHER, INSTANCE: life.name})] = At(Decimal(1))
        return found

    def _figures(self, counted: Counted, at: timedelta) -> Iterator[Figure]:
        for one in self.guarded:
            for signal in one.guardrail.signals:
                yield from _recorded(one, signal, counted, at)

    @property
    def _without_parts(self) -> Feeds:
        """The same without the series of what a share is a share of, unless that is what should happen."""
        bad = Reads(part for one in self._measures if isinstance(one, Ratio) and one.bad for part in one.part)
        return {key: feed for key, feed in self._fed.items() if key not in bad}


def _counts(measure: Measure) -> TypeGuard[Counting]:
    """Whether its events are counted exactly, and can be shown."""
    return isinstance(measure, Counting) and not getattr(measure, "native", False)


def _lived(counted: Counted, phase: int, *, pinned: bool = False) -> dict[Key, At]:
    """What all lives show in a phase, and what says whether they answer; where a job is asked for, another's say the opposite."""
    found: dict[Key, At] = {}
    for key, feed in counted.fed.items():
        if not isinstance(feed, Rise):
            found[key] = feed
            continue
        job = key.labels.get(JOB, "")
        elsewhere = job != OTHER and OTHER in key.labels.values()
        for life, series, step in counted.series[key]:
            if elsewhere and life.name not in _ELSEWHERE:
                continue
            up = life.up[phase]
            if (level := _level(life, phase, another=job == OTHER)) is not None:
                found[series] = At(step * level)
            if up is not None and job != OTHER:
                found[_up(job, life)] = At(Decimal(up))
            is_last = phase == len(life.up) - 1
            if pinned and is_last == (life.up[3] == 1):
                found[_up(OTHER, life)] = At(Decimal(1))
    return found


@cache
def _up(job: str, life: Life) -> Key:
    return Key.of(UP, {JOB: job, **life.labels})


def _level(life: Life, phase: int, *, another: bool) -> int | None:
    """What it shows; another job beside it shows little, and only where nobody should mind."""
    if not another or life.name == STEADY.name:
        return life.shows[phase]
    return 2 if life.name == "new" or not life.counts else None


def _recorded(one: Measured, signal: Signal, counted: Counted, at: timedelta) -> Iterator[Figure]:
    """Its events, per second, and its value."""
    measure = one.measure(signal)
    if not _counts(measure):
        return
    if signal.events is not None and signal.traffic is not None:
        count = counted.events(measure)
        if counted.lives is LIVES:
            yield Figure(timedelta(), signal.events, Decimal(0))
        yield Figure(at, signal.events, count)
        yield Figure(at, signal.traffic, count / seconds(measure.width))
    if signal.part is not None and isinstance(measure, Ratio):
        part = counted.part(measure)
        yield Figure(at, signal.part, part, int(part > 0))
    each = [counted.value(group) for group in groups(measure, counted.fed) if _counts(group)]
    known = [one for one in each if one is not None]
    if not known:
        return
    value = sum(known, Decimal(0))
    yield Figure(at, signal.value, value)
    if isinstance(measure, Latency) and signal.filled and counted.events(measure) >= measure.filled_to:
        yield Figure(at, signal.filled, value)
