"""A sudden breach of everything a signal is judged by → the story in which each tier's hold is seen."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from handrail.emit.promtool.feeds import Value
from handrail.emit.promtool.figures import inner, window
from handrail.emit.promtool.guardrails import COUNTED, FLOOD, Director
from handrail.emit.promtool.series import Impossible, Timeline
from handrail.emit.promtool.story import NOTHING, Span, Story, turns
from handrail.emit.promtool.subject import CHANGED, Values
from handrail.plan import (
    Absence,
    Gauge,
    Growth,
    Increase,
    Rate,
    Signal,
    StateChanges,
)


def sudden(director: Director, promise: str, signal: Signal, *, up: bool, over: bool) -> Story:
    """From one scrape on a signal is far beyond all limits; with `over` it is well again when all alerts fired."""
    subject, clock = director.subject, director.clock
    if over and subject.entangled:
        raise Impossible(
            "two of its measures look at one series, and what ends for one does not for the other"
        )
    timeline = Timeline(director.scrape)
    late = director.past(timeline)
    calm = director.bases if director.ago else subject.healthy()
    changes = isinstance(signal.measure, StateChanges)
    far: Value = CHANGED if changes else director.far(signal, up=up)
    values = subject.with_value(calm, signal, far)
    begins, ends = _sudden(director, timeline, calm, values, signal, up=up, late=late)
    lives = director.lives(values, begins, ends if over else None, calm=calm)
    broken = tuple(life for life in lives if life.begins is not None)
    looks = turns(broken, clock)
    if over:
        looks = tuple(at for at in looks if at >= ends.first - clock.step)
    else:
        timeline.phases.pop()
    known = director.until(begins.first - director.clock.step)
    return director.story(promise, timeline, lives, tuple(at for at in looks if at <= known))


def _sudden(
    director: Director,
    timeline: Timeline,
    calm: Values,
    values: Values,
    signal: Signal,
    *,
    up: bool,
    late: timedelta,
) -> tuple[Span, Span]:
    clock, scrape, width = director.clock, director.scrape, window(signal.measure)
    measure = inner(signal.measure)
    young = max(director.silent(alert, Span(NOTHING, NOTHING)) for alert in director.guardrail.alerts)
    before = max(3 * scrape, 2 * clock.step, *(director.ripe(s) + young for s in director.signals), late)
    timeline.play(director.feeds(calm), before)
    onset = timeline.now
    event = isinstance(measure, StateChanges) or (
        isinstance(measure, Increase) and signal.name not in director.steady
    )
    begins = _begins(director, measure, onset, width, up=up, event=event)
    held = max(clock.times(alert.hold) for alert in director.guardrail.alerts)
    times = (
        Decimal(max(FLOOD, FLOOD * (min(width, onset) // scrape)))
        if isinstance(measure, COUNTED)
        else Decimal(1)
    )
    timeline.play(
        director.feeds(director.states(values), times), begins.last + held + clock.step + scrape - onset
    )
    end = timeline.now
    after = calm if not isinstance(measure, StateChanges) else {**calm, "": director.subject.quiet}
    timeline.play(director.feeds(after), scrape)
    last = onset if event else end - scrape
    if isinstance(measure, Absence) or not width:
        return begins, Span(clock.first(end), clock.first(end))
    if isinstance(measure, Gauge):
        at_once = up == (measure.over == "min")
        return begins, Span(
            clock.first(end if at_once else last + width), clock.first(end if at_once else end + width)
        )
    draining = isinstance(measure, Growth) or (isinstance(measure, Rate | Increase) and not up)
    first = end if draining else last - scrape + width
    return begins, Span(clock.first(first), clock.first(max(last + scrape, onset) + width + 2 * scrape))


def _begins(
    director: Director, measure: object, onset: timedelta, width: timedelta, *, up: bool, event: bool
) -> Span:
    clock, scrape = director.clock, director.scrape
    if isinstance(measure, Absence):
        return Span(clock.first(onset - scrape + width), clock.first(onset + width))
    slow = isinstance(measure, Rate | Increase) and not up
    slow = slow or (isinstance(measure, Gauge) and bool(width) and up == (measure.over == "min"))
    if slow and not event:
        return Span(clock.first(onset), clock.first(onset + width + 2 * scrape))
    return Span(clock.first(onset), clock.first(onset))
