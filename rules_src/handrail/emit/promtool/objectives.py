"""An objective → the story of what is counted: errors and events of each evaluation, and their share in each window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.arithmetic import Shows, events, parts, selectors, value
from handrail.emit.promtool.examples import as_they_must, examples, rises, small_numbers
from handrail.emit.promtool.levels import MISSING
from handrail.emit.promtool.series import At, Feeds, Impossible, Key, Reads, Rise, Timeline, matches
from handrail.emit.promtool.story import UNHEARD, Course, Figure, Story, Untestable, instance
from handrail.plan import EventMeasure, Ratio, Rollout, Selector, Slo, SlowerThan, TimeSlices
from handrail.promql.buckets import bucket

BURNS = "An objective is blind until its series exist; then each event counts once, and each window has the share of errors"
SLICES = "A time slice counts once, and is an error if its value is not good"
MANY = Decimal(1000)
"""So many times the least that a window needs are enough in two evaluations."""


def objective(rollout: Rollout, slo: Slo) -> Story | Untestable:
    """What is recorded of it; when that is too much is shown with the limits of the rollout."""
    try:
        if isinstance(slo.measure, TimeSlices):
            return _slices(rollout, slo, slo.measure)
        return _events(rollout, slo, slo.measure)
    except Impossible as reason:
        return Untestable(f"slo-{slo.name}, what is counted", str(reason))


def _events(rollout: Rollout, slo: Slo, measure: Ratio | SlowerThan) -> Story:
    every = rollout.evaluate
    scrape = every if every % rollout.scrape else rollout.scrape
    numbers = small_numbers(dict.fromkeys(examples(measure, {})), [measure])
    fed = {key: Rise(one * MANY * slo.least) for key, one in numbers.items()}

    def counted(*several: Selector) -> Decimal:
        steps = (feed.step for one in several for key, feed in fed.items() if matches(one, key))
        return sum(steps, Decimal(0)) * Decimal(every / scrape)

    if isinstance(measure, SlowerThan):
        total = counted(measure.histogram.suffixed("_count"))
        errors = total - counted(bucket(measure.histogram, measure.bound))
    else:
        total, part = counted(*measure.whole), counted(*measure.part)
        errors = part if measure.bad else total - part
    if not 0 <= errors <= total or not total:
        raise Impossible("its parts count in more than one of its wholes")
    blind = instance(slo.blind, "reason", MISSING)
    course = Course(10 * max(every, scrape), Timeline(scrape), {blind: slo.blind})
    course.go_on({}, [blind], UNHEARD)
    course.go_on(fed, [], UNHEARD)
    course.go_on(fed, [], UNHEARD)
    own = tuple((label, "=", text) for label, text in slo.counted[-1].labels)
    figures = [
        Figure(course.now, Selector(names.SLO_TOTAL, own), total),
        Figure(course.now, Selector(names.SLO_ERRORS, own), errors),
    ]
    if every % rollout.scrape:
        figures = []  # one evaluation counts a scrape more than the next; their share is the same
    for ratio in slo.ratios:
        window = Selector(names.SLO_RATIO, tuple((label, "=", text) for label, text in ratio.labels))
        figures.append(Figure(course.now, window, errors / total))
    return course.story(f"{BURNS}: {slo.name}", figures=figures)


def _slices(rollout: Rollout, slo: Slo, slices: TimeSlices) -> Story:
    """All that is measured is there for a slice longer than the window, which ends at an evaluation that counts."""
    measure, signal = slices.measure, slices.condition.signal
    step = slices.length * max(2, -(-2 * measure.width // slices.length) + 1)
    scrape = min(rollout.scrape, rollout.evaluate)
    rising = [one for part in parts(measure) if rises(part) for one in selectors(part)]

    def feeds(numbers: Mapping[Key, Decimal]) -> Feeds:
        reads = Reads(rising)
        risen = {key for key in numbers if key in reads}
        return {key: Rise(one, one * 10) if key in risen else At(one) for key, one in numbers.items()}

    def shows(numbers: Mapping[Key, Decimal]) -> Shows:
        timeline = Timeline(scrape)
        timeline.play({}, timedelta())
        timeline.play(feeds(numbers), step)
        return Shows({key: timeline.samples(key) for key in numbers}, step, scrape)

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


def objectives(rollout: Rollout) -> Iterator[Story | Untestable]:
    """Of each objective."""
    yield from (objective(rollout, slo) for slo in rollout.slos)
