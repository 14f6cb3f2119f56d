"""A guardrail that counts events → the story of targets that come and go: what of their counters is recorded, in numbers.

Every series of its counters is there once for each life, times as large as it should weigh. So shares are what they
would be of one target, and the sum is that of all lives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cache, cached_property

from handrail.contract import names
from handrail.plan import (
    Increase,
    Latency,
    Measure,
    Ratio,
    Selector,
    Signal,
    SlowerThan,
)
from handrail.units import seconds

from oracle.attempts import stable_of
from oracle.lives import INSTANCE, LATER, LIVES, STEADY, Counted, Life
from oracle.pacing import scraped
from oracle.series import At, Feeds, Impossible, Key, Rise, Timeline, matches
from oracle.shown import recorded_of_others, strangers
from oracle.story import Figure, Story
from oracle.subject import Subject

COUNTS = (
    "What is recorded of counters: the first events of a process count whole; what was counted before it was scraped, "
    "comes back, moves or only got another label does not count again"
)
JOB, UP = "job", "up"
BEFORE = (timedelta(minutes=80), timedelta(minutes=40))
"""So long before the window a life changes: rules remember for an hour."""
FIRST = timedelta(minutes=100)
"""The window begins so long after the first scrape."""
_STRANGER = Decimal(7)
_ANOTHER = "stranger"


@dataclass(frozen=True)
class Counting:
    """The story of one guardrail, in which others on the same counters are asked too."""

    subject: Subject
    others: tuple[Subject, ...]
    asked: set[str] = field(default_factory=set)

    def stories(self) -> Iterator[Story]:
        """One, if it counts events and they can be fed; nothing is said of what another story has asked already."""
        widths = _widths(self.subject)
        if self.subject.guardrail.name in self.asked or len(widths) != 1:
            return
        try:
            story = self._story(widths.pop())
        except Impossible:
            return  # its limits say why
        if story.figures:
            yield story

    def _story(self, width: timedelta) -> Story:
        end = FIRST + width
        subject = scraped(self.subject, end)
        scrape = subject.rollout.scrape
        if width % scrape or not 4 * scrape <= width < 2 * BEFORE[-1]:
            raise Impossible("its scrapes do not divide its window")
        base = self._fed(subject)
        if any(INSTANCE in dict(key.labels) for key, feed in base.items() if isinstance(feed, Rise)):
            raise Impossible("it tells instances apart")
        if len({dict(key.labels).get(JOB) for key in subject.fed(subject.healthy())}) > 1:
            raise Impossible("its counters are of several jobs")
        timeline, counted = Timeline(scrape), Counted(base)
        changes = [*(FIRST - before for before in (*BEFORE, width / 2, timedelta()))]
        third = width // scrape // 3 * scrape
        changes += [FIRST + third, FIRST + 2 * third, end - scrape, end]
        aside = -FIRST % scrape + scrape / 2  # no scrape falls on an end of the window
        pinned = all((JOB, "=") in {m[:2] for m in one.matchers} for one in self._reads)
        for phase, until in enumerate(changes):
            timeline.play(_lived(counted, phase, pinned=pinned), until + aside)
        at = end + aside
        figures = list(self._figures(counted, at))
        good = _without_parts(base, subject)
        if len(good) < len(base):
            later = Counted(good, LATER)
            for phase, until in enumerate((2 * at - width, 2 * at)):
                timeline.play(_lived(later, phase), until)
            figures += self._figures(later, 2 * at)
        about = ", ".join(dict.fromkeys(one.about for one in figures))
        ups = (Selector(UP, tuple(m for m in one.matchers if m[:2] == (JOB, "="))) for one in self._reads)
        reads = (*dict.fromkeys([*self._reads, *ups]),)
        return Story(COUNTS, about, at, timeline, (subject.stage,) * 3, (), (), reads, figures=tuple(figures))

    @cached_property
    def _reads(self) -> list[Selector]:
        return [one for subject in (self.subject, *self._hosted) for one in subject.reads()]

    @cached_property
    def _hosted(self) -> list[Subject]:
        """Others that look at nothing but the same counters, in as wide a window."""
        own = {one.metric for one in self.subject.reads()}
        alike = (one for one in self.others if _widths(one) == _widths(self.subject) and not _labels(one))
        return [one for one in alike if {series.metric for series in one.reads()} <= own]

    def _fed(self, subject: Subject) -> Feeds:
        values = dict(subject.healthy())
        for signal in subject.guardrail.signals:
            if isinstance(signal.measure, Increase):
                values[signal.name] = seconds(signal.measure.window) / seconds(subject.rollout.scrape)
        own = subject.fed(values)
        found = {**{key: _times(feed) for key, feed in strangers(own, self._reads).items()}, **own}
        arms = subject.guardrail.arms
        if arms is not None and any(arms.label in signal.by for signal in subject.guardrail.signals):
            found |= subject.fed(values, arm=stable_of(arms), times=_STRANGER)
        return {**found, **self._recorded_of_others}

    @property
    def _recorded_of_others(self) -> dict[Key, At]:
        """What is recorded of other guardrails under the same names, for targets of which nothing counts."""
        found = dict[Key, At]()
        for subject in (self.subject, *self._hosted):
            found |= recorded_of_others(subject.guardrail)
            own = {names.ROLLOUT: subject.rollout.name, names.GUARDRAIL: subject.guardrail.name}
            for life in (life for life in LIVES if not life.counts):
                for label in own:
                    other = {**own, label: "other", INSTANCE: life.name}
                    found[Key.of(names.FROM_ZERO, other)] = At(Decimal(1))
        return found

    def _figures(self, counted: Counted, at: timedelta) -> Iterator[Figure]:
        for subject in (self.subject, *self._hosted):
            found = [one for s in subject.guardrail.signals for one in _recorded(subject, s, counted, at)]
            if subject is self.subject or all(one.value for one in found if one.at):
                self.asked.add(subject.guardrail.name)
                yield from found


def _without_parts(fed: Feeds, subject: Subject) -> Feeds:
    """The same without the series of what a share is a share of, unless that is what should happen."""
    measures = (subject.measure(signal) for signal in subject.guardrail.signals)
    parts = [part for one in measures if isinstance(one, Ratio) and one.bad for part in one.part]
    return {key: feed for key, feed in fed.items() if not any(matches(part, key) for part in parts)}


def _times(feed: object) -> Rise:
    return Rise(feed.step * _STRANGER if isinstance(feed, Rise) else Decimal(0))


def _labels(subject: Subject) -> bool:
    return any(signal.measure.labels for signal in subject.guardrail.signals)


def _widths(subject: Subject) -> set[timedelta]:
    return {signal.measure.width for signal in subject.guardrail.signals if _counts(signal.measure)}


def _counts(measure: Measure) -> bool:
    """Whether its events are counted exactly."""
    if isinstance(measure, Latency | SlowerThan):
        return not measure.native
    return isinstance(measure, Ratio | Increase)


def _lived(counted: Counted, phase: int, *, pinned: bool = False) -> dict[Key, At]:
    """What all lives show in a phase, and what says whether they answer; where a job is asked for, another's say the opposite."""
    found: dict[Key, At] = {}
    for key, feed in counted.fed.items():
        if not isinstance(feed, Rise):
            found[key] = feed if isinstance(feed, At) else At(Decimal(0))
            continue
        job = dict(key.labels).get(JOB, "")
        for life, series, step in counted.series[key]:
            up = life.up[phase]
            if (level := _level(life, phase, another=job == _ANOTHER)) is not None:
                found[series] = At(step * level)
            if up is not None and job != _ANOTHER:
                found[_up(job, life)] = At(Decimal(up))
            is_last = phase == len(life.up) - 1
            if pinned and is_last == (life.up[3] == 1):
                found[_up(_ANOTHER, life)] = At(Decimal(1))
    return found


@cache
def _up(job: str, life: Life) -> Key:
    return Key.of(UP, {JOB: job, **life.labels})


def _level(life: Life, phase: int, *, another: bool) -> int | None:
    """What it shows; another job beside it shows little, and only where nobody should mind."""
    if not another or life.name == STEADY.name:
        return life.shows[phase]
    return 2 if life.name == "new" or not life.counts else None


def _recorded(subject: Subject, signal: Signal, counted: Counted, at: timedelta) -> Iterator[Figure]:
    """Its events, per second, and its value."""
    name, measure = subject.guardrail.name, subject.measure(signal)
    if not _counts(measure):
        return
    if signal.events is not None and signal.traffic is not None:
        count = counted.events(measure)
        if counted.lives is LIVES:
            yield Figure(name, timedelta(), signal.events, Decimal(0))
        yield Figure(name, at, signal.events, count)
        yield Figure(name, at, signal.traffic, count / seconds(measure.width))
    value = counted.value(measure)
    if value is not None:
        yield Figure(name, at, signal.value, value)
