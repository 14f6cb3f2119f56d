"""What a guardrail needs goes, and comes back → the story of its blindness."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from handrail.emit.promtool.feeds import selectors, series_of
from handrail.emit.promtool.guardrails import Director
from handrail.emit.promtool.lasting import COUNTED, missed
from handrail.emit.promtool.series import At, Feed, Feeds, Impossible, Key, Timeline, matches
from handrail.emit.promtool.series_feeds import paired
from handrail.emit.promtool.story import FOREVER, NOTHING, TICK, Context, Life, Span, Story, turns
from handrail.plan import (
    Changes,
    Count,
    Difference,
    EventMeasure,
    Forecast,
    Gauge,
    Growth,
    Increase,
    Measure,
    Reference,
    SeriesMeasure,
    Signal,
    State,
    Usage,
)
from handrail.promql.counting import REMEMBERED
from handrail.promql.remembered import REMEMBER
from handrail.units import span

GONE = "When its series go a guardrail is blind, and when they are back it sees again"
LOST = "Without something that it needs a guardrail is blind, says why, and sees again with it"
UNHEARD = "When nobody reports the stage any more, a guardrail that needs it is blind"
YOUNG = "Before there is a history to compare with, a guardrail is blind"
THIN = "With events, but for long too few to judge, a guardrail asks people to look, and not with enough"
NUMBERS = "An instance whose value is no number blinds a guardrail"


def gone(director: Director, signal: Signal) -> Story:
    """The series of one signal go for as long as it takes to be blind, and come back; all where others look at them."""
    measures = {one.name: director.subject.measure(one) for one in director.signals}
    healthy = director.feeds(director.bases)
    lost = series_of(selectors(measures[signal.name]), healthy)
    others = [measure for name, measure in measures.items() if name != signal.name]
    if any(
        series_of(selectors(other), {key: healthy[key] for key in healthy if key in lost}) for other in others
    ):
        every = {key for measure in measures.values() for key in series_of(selectors(measure), healthy)}
        widest = max(measure.width for measure in measures.values())
        return _story_of_loss(director, GONE, [("its metrics are missing", every, widest)], None)
    measure, width = signal.measure.inner, missed(signal.measure.inner)
    exact = isinstance(measure, (*COUNTED, Increase)) or bool(width and isinstance(measure, Gauge | Changes))
    at_last = width if exact and measure is signal.measure else None
    return _story_of_loss(director, GONE, [("its metrics are missing", lost, width)], at_last)


def lost(director: Director, needs: Iterator[tuple[str, set[object], timedelta]]) -> Story | None:
    """What it needs beside its own series goes, one thing after the other; None where it needs nothing."""
    needed = [need for need in needs if need[1]]
    return _story_of_loss(director, LOST, needed, None) if needed else None


def _story_of_loss(
    director: Director,
    promise: str,
    needs: list[tuple[str, set[object], timedelta]],
    exactly: timedelta | None,
) -> Story:
    """One thing after the other goes and comes back; `exactly` so long after its last sample it is missed."""
    clock, scrape, healthy = director.clock, director.scrape, director.feeds(director.bases)
    healthy = {**healthy, **director.others}
    timeline, lost = Timeline(scrape), list[tuple[str, Span, Span | None]]()
    timeline.play(healthy, director.ready)
    for reason, keys, width in needs:
        _seen(director, healthy, keys)
        gone = timeline.now
        last = gone - scrape
        first = gone if exactly is None else last + exactly
        begins = clock.span(first, max(last + width + TICK, gone))
        rest = {key: feed for key, feed in healthy.items() if key not in keys}
        timeline.play(rest, begins.last + clock.times(director.guardrail.blind.sustained))
        # What was gone for longer than a counter is remembered counts from zero, for the time of its window.
        again = width if timeline.now - gone > REMEMBERED - width else 3 * scrape
        ends = clock.span(timeline.now, timeline.now + max(again, 3 * scrape))
        timeline.play(healthy, ends.last)
        lost.append((reason, begins, ends))
    return director.blind(promise, timeline, lost)


def _seen(director: Director, healthy: Feeds, lost: set[object]) -> None:
    """Raises Impossible where what is lost is looked at by two measures, or another's stands for it."""
    losers = 0
    looked_at = [
        [{k for k in healthy if matches(s, k)} for s in selectors(director.subject.measure(signal))]
        for signal in director.signals
    ]
    if all(keys and keys <= lost for found in looked_at for keys in found):
        return  # all of it goes
    for found in looked_at:
        losers += any(not lost.isdisjoint(keys) for keys in found)
        if losers > 1 or any(not keys or (lost & keys and not keys <= lost) for keys in found):
            raise Impossible("two of its measures look at series that cannot be told apart")


def has_numbers(measure: Measure) -> bool:
    """Whether one series more, whose value is no number, can be seen."""
    if isinstance(measure, Count):
        return measure.where is not None
    return isinstance(measure, Gauge | Usage | State | Growth | SeriesMeasure)


def no_number(director: Director, signal: Signal) -> Story:
    """One instance more, whose value is no number."""
    healthy = director.feeds(director.bases)
    odd = series_of(selectors(director.subject.measure(signal))[:1], healthy)
    twin: dict[Key, Feed] = {_odd(key): At(Decimal("NaN")) for key in healthy if key in odd}
    if not twin:
        raise Impossible("two of its measures look at series that cannot be told apart")
    measure = signal.measure.inner
    if isinstance(measure, Difference):  # it has a pair
        twin |= {_odd(key): feed for key, feed in healthy.items() if matches(measure.minus, key)}
    for one in director.signals:
        paired(director.subject.measure(one), one.arm_labels, {**healthy, **twin})
    timeline = Timeline(director.scrape)
    timeline.play(healthy, director.ready)
    start = timeline.now
    sure = start if not isinstance(signal.measure.inner, Growth | Forecast) else start + 2 * director.scrape
    begins = director.clock.span(start, sure)
    timeline.play({**healthy, **twin}, begins.last + director.clock.times(director.guardrail.blind.sustained))
    return director.blind(NUMBERS, timeline, [("its values are no numbers", begins, None)])


def _odd(key: Key) -> Key:
    """The same series of one instance more."""
    return Key.of(key.metric, {**dict(key.labels), "instance": "odd"})


def unheard(director: Director) -> Story:
    """The receiver says the stage until a moment, and then no more."""
    timeline = Timeline(director.scrape)
    until = director.ready // director.scrape * director.scrape
    begins = director.clock.span(until + REMEMBER, until + REMEMBER + TICK)
    context = Context(director.subject.stage, until)
    timeline.play(director.feeds(director.bases), begins.last)
    return director.blind(UNHEARD, timeline, [("nobody reports the stage", begins, None)], context)


def thin(director: Director, signal: Signal) -> Story:
    """Half as many events as it needs, all well, for as long as it takes to be told; then as many as ever."""
    subject, measure, clock = director.subject, signal.measure.inner, director.clock
    alert = director.guardrail.thin
    if alert is None or not isinstance(measure, EventMeasure):
        raise TypeError("it needs no number of events")
    if subject.rollout.stages and subject.stage is None:
        raise Impossible("it is judged in no stage")
    calm = subject.healthy()
    calm = subject.with_value(calm, signal, calm[signal.name])  # its condition holds from the start
    each = -(-measure.width // director.scrape)
    times = Decimal(measure.min_events) / 2 / each / subject.pace(signal).events
    timeline = Timeline(director.scrape)
    begins = Span(clock.first(NOTHING), clock.first(max(director.ready, measure.width)))
    # Of several values of a label one with enough events is enough: there is no other.
    timeline.play(director.feeds(calm, times), begins.last + clock.times(alert.sustained))
    start = timeline.now
    ends = clock.span(start, start + measure.width)
    timeline.play(director.feeds(calm), ends.last)
    life = Life(alert, begins, ends)
    return director.story(THIN, timeline, [life], turns([life], clock))


def young(director: Director, reference: Reference) -> Story:
    """The series are there since a moment ago."""
    timeline = Timeline(director.scrape)
    begins = director.clock.span(NOTHING, 3 * director.scrape)
    timeline.play(director.feeds(director.bases), begins.last)
    ago = reference.ago or NOTHING  # then there is one
    return director.blind(
        YOUNG, timeline, [(f"there is no history of {span(ago)}", begins, Span(ago, FOREVER))]
    )
