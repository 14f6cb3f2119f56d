"""An objective → the story of what is counted: errors and events of each evaluation, and their share in each window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from handrail.contract import names
from handrail.emit.promtool.arithmetic import Shows, events, parts, selectors, value
from handrail.emit.promtool.examples import as_they_must, complete, examples, motion, small_numbers
from handrail.emit.promtool.levels import MISSING
from handrail.emit.promtool.series import At, Feeds, Impossible, Key, Reads, Rise, Timeline, matches
from handrail.emit.promtool.story import UNHEARD, Course, Figure, Story, Untestable, instance
from handrail.plan import EventMeasure, Ratio, Rollout, Selector, Slo, SlowerThan, TimeSlices
from handrail.promql.buckets import bucket

BURNS = "An objective is blind until its series exist; then each event counts once, and each window has the share of errors"
SLICES = "A time slice counts once, and is an error if its value is not good"
MANY = Decimal(1000)
"""So many times the least that a window needs are enough in two evaluations."""


def objectives(rollout: Rollout) -> Iterator[Story | Untestable]:
    """What is recorded of them; when that is too much is shown with the limits of the rollout."""
    together: list[_Together] = []
    for slo in rollout.slos:
        try:
            if isinstance(slo.measure, TimeSlices):
                yield _slices(rollout, slo, slo.measure)
            else:
                _join(rollout, (slo, slo.measure), together)
        except Impossible as reason:
            yield Untestable(f"slo-{slo.name}, what is counted", str(reason))
    yield from (one.story() for one in together)


_Objective = tuple[Slo, Ratio | SlowerThan]


def _join(rollout: Rollout, one: _Objective, together: list[_Together]) -> None:
    """With others, if the same series can show all of them."""
    for place, others in enumerate(together):
        try:
            together[place] = _Together(rollout, (*others.counted, one))
        except Impossible:
            continue
        return
    together.append(_Together(rollout, (one,)))


@dataclass(frozen=True)
class _Together:
    """Objectives whose events are counted. Raises Impossible where no series show all of them."""

    rollout: Rollout
    counted: tuple[_Objective, ...]

    def __post_init__(self) -> None:
        for _, measure in self.counted:
            self._events(measure)

    def story(self) -> Story:
        """At first there is nothing; then steady traffic."""
        every, blind = (
            self.rollout.evaluate,
            [instance(slo.blind, "reason", MISSING) for slo, _ in self.counted],
        )
        alerts = {own: slo.blind for own, (slo, _) in zip(blind, self.counted, strict=True)}
        course = Course(10 * max(every, self._scrape), Timeline(self._scrape), alerts)
        course.go_on({}, blind, UNHEARD)
        for _ in range(2):
            course.go_on(self._fed, [], UNHEARD, shown=["steady traffic"])
        figures = [one for slo, measure in self.counted for one in self._figures(slo, measure, course.now)]
        return course.story(BURNS, figures=figures)

    def _figures(self, slo: Slo, measure: Ratio | SlowerThan, at: timedelta) -> Iterator[Figure]:
        errors, total = self._events(measure)
        own = tuple((label, "=", text) for label, text in slo.counted[-1].labels)
        if not self.rollout.evaluate % self.rollout.scrape:  # else one evaluation counts more than the next
            yield Figure(at, Selector(names.SLO_TOTAL, own), total)
            yield Figure(at, Selector(names.SLO_ERRORS, own), errors)
        for one in slo.ratios:
            window = Selector(names.SLO_RATIO, tuple((label, "=", text) for label, text in one.labels))
            yield Figure(at, window, errors / total)

    @property
    def _scrape(self) -> timedelta:
        every = self.rollout.evaluate
        return every if every % self.rollout.scrape else self.rollout.scrape

    @cached_property
    def _fed(self) -> Mapping[Key, Rise]:
        measures = [measure for _, measure in self.counted]
        numbers = small_numbers(complete(key for one in measures for key in examples(one, {})), measures)
        least = max(slo.least for slo, _ in self.counted)
        return {key: Rise(one * MANY * least) for key, one in numbers.items()}

    def _events(self, measure: Ratio | SlowerThan) -> tuple[Decimal, Decimal]:
        """How many errors of how many events there are from an evaluation to the next."""
        if isinstance(measure, SlowerThan):
            total = self._sum(measure.histogram.suffixed("_count"))
            errors = total - self._sum(bucket(measure.histogram, measure.bound))
        else:
            total, part = self._sum(*measure.whole), self._sum(*measure.part)
            errors = part if measure.bad else total - part
        if not 0 <= errors <= total or not total:
            raise Impossible("its parts count in more than one of its wholes")
        return errors, total

    def _sum(self, *several: Selector) -> Decimal:
        steps = (feed.step for one in several for key, feed in self._fed.items() if matches(one, key))
        return sum(steps, Decimal(0)) * Decimal(self.rollout.evaluate / self._scrape)


def _slices(rollout: Rollout, slo: Slo, slices: TimeSlices) -> Story:
    """All that is measured is there for a slice longer than the window, which ends at an evaluation that counts."""
    measure, signal = slices.measure, slices.condition.signal
    step = slices.length * max(2, -(-2 * measure.width // slices.length) + 1)
    if step % timedelta(seconds=1):  # by floats, its end may lie in the slice before
        step += rollout.evaluate // timedelta(milliseconds=2) * timedelta(milliseconds=1)
    scrape = min(rollout.scrape, rollout.evaluate)
    rising = [one for part in parts(measure) if motion(part) for one in selectors(part)]

    def feeds(numbers: Mapping[Key, Decimal]) -> Feeds:
        reads = Reads(rising)
        risen = {key for key in numbers if key in reads}
        return {key: Rise(one, one * 10) if key in risen else At(one) for key, one in numbers.items()}

    def shows(numbers: Mapping[Key, Decimal]) -> Shows:
        timeline = Timeline(scrape)
        timeline.play({}, timedelta())
        timeline.play(feeds(numbers), step)
        return Shows(timeline, step)

    numbers = as_they_must(dict.fromkeys(examples(measure, {})), [measure], shows)
    if isinstance(measure.inner, EventMeasure):
        numbers = {key: one * (1 + measure.inner.min_events) for key, one in numbers.items()}
    shown = value(measure, shows(numbers))
    if shown is None:
        raise Impossible("no value of what its slices are judged by could be found")
    bad = slices.condition.op.breached(shown, slices.limit)
    course = Course(step, Timeline(scrape), {})
    course.go_on({}, [], UNHEARD)
    course.go_on(feeds(numbers), [], UNHEARD)
    own = tuple((label, "=", text) for label, text in slo.counted[-1].labels)
    figures = [Figure(step, signal.value, shown)]
    if signal.events is not None:
        figures.append(Figure(step, signal.events, events(measure, shows(numbers)) or Decimal(0)))
    figures += [
        Figure(step, Selector(names.SLO_TOTAL, own), Decimal(1)),
        Figure(step, Selector(names.SLO_ERRORS, own), Decimal(bad)),
    ]
    return course.story(f"{SLICES}: {slo.name}", figures=figures)
