"""A measure whose series change at a moment → when its value has surely followed.

A value that is judged over a window follows at once, evenly or only when the window is filled, and that differs from
measure to measure and between the two sides of a limit.
"""

from __future__ import annotations

from datetime import timedelta

from handrail.emit.promtool.story import NOTHING, TICK, Span
from handrail.plan import (
    Absence,
    Changes,
    Forecast,
    Gauge,
    Growth,
    Increase,
    Latency,
    Measure,
    Rate,
    Ratio,
    SlowerThan,
    StateChanges,
)

COUNTED = (Ratio, Latency, SlowerThan)
PACED = (Rate, Growth, Increase)
"""Measures whose value is only right when their window is filled."""
MOVING = (Forecast, Changes)
"""Measures of how series move: while they begin to move otherwise the value may be anywhere."""


def shows(measure: Measure, scrape: timedelta, start: timedelta = NOTHING) -> timedelta:
    """From when on a steady value that is fed from `start` on is surely the measure's."""
    width = measure.width
    if isinstance(measure, Absence):
        return start - scrape + width + TICK if start else width
    if isinstance(measure, (*COUNTED, Forecast)) and not start:
        return scrape
    if isinstance(measure, (*COUNTED, *PACED, Changes)):
        return start - scrape + width if start else width + scrape
    return start - scrape + width + TICK if width and start else start


def breach_begins(measure: Measure, onset: timedelta, scrape: timedelta, *, up: bool) -> Span:
    """When a breach far beyond all limits is seen, of which `onset` is the first scrape."""
    width, last = measure.width, onset - scrape
    if isinstance(measure, Absence):
        return Span(last + width, last + width + TICK)
    slow = isinstance(measure, PACED) and not up
    slow = slow or isinstance(measure, MOVING)
    slow = slow or (isinstance(measure, Gauge) and bool(width) and up == (measure.over == "min"))
    return Span(onset, last + width + TICK if slow else onset)


def breach_ends(measure: Measure, onset: timedelta, end: timedelta, scrape: timedelta, *, up: bool) -> Span:
    """When a breach is over of which the last scrape is the one before `end`."""
    width, last = measure.width, end - scrape
    if isinstance(measure, StateChanges):
        return Span(onset - scrape + width, onset - scrape + width + TICK)
    if isinstance(measure, Absence) or not width:
        return Span(end, end)
    if isinstance(measure, Gauge):
        at_once = up == (measure.over == "min")
        return Span(end, end) if at_once else Span(last + width, last + width + TICK)
    if isinstance(measure, MOVING):
        return Span(end, last + width + TICK)
    if isinstance(measure, PACED) and not up:
        return Span(end, last + width)
    if isinstance(measure, Rate | Growth):
        return Span(last - scrape + width, last + width)
    return Span(last + width, last + width)


def missed(measure: Measure) -> timedelta:
    """How long after its series' last sample a measure goes on as if they were there."""
    return NOTHING if isinstance(measure, Forecast) else measure.width
