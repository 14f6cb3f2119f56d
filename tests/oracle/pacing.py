"""A guardrail in one stage → how far apart the evaluations of its stories are, and how often is scraped in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from handrail.emit.promtool.series import Impossible
from handrail.emit.promtool.story import NOTHING
from handrail.plan import (
    Absence,
    Gauge,
    Increase,
    Latency,
    Rate,
    Ratio,
    SlowerThan,
    State,
    StateChanges,
    Usage,
    While,
)

from oracle.subject import Subject

FACTORS = (1, 2, 3, 4, 6, 12, 24, 48, 96, 300, 600, 2016, 4032, 8640)
"""So many times the least time that evaluations are apart."""
MOST = 8
"""So many evaluations are waited for what must be sustained, or is kept."""
LONGEST = 90
"""How many evaluations a story lasts at most."""
SELDOM = timedelta(minutes=4)
"""More seldom than that, an instant selector would not see a series at every time."""
DAY = timedelta(days=1)
PAST = timedelta(hours=1)
"""A past that is as long is scraped as seldom as its windows allow."""


def pace_of(subject: Subject, values: int, *, thin: bool = False) -> timedelta:
    """How far apart evaluations are: its windows are filled, and what must be sustained takes a few of them."""
    guardrail, every = subject.guardrail, subject.rollout.evaluate
    measures = [signal.measure for signal in guardrail.signals]
    if any(isinstance(measure.inner, Absence) for measure in measures):
        return every  # it is known after so many evaluations as there are in its window
    ago = max((r.ago or NOTHING for r in subject.compared_with), default=NOTHING)
    if ago and not thin:
        return next((ago // n for n in range(values + 4, LONGEST) if not ago % (every * n)), every)
    changes = [measure.window for measure in measures if isinstance(measure, StateChanges)]
    if changes:
        return max(every, (min(changes) - subject.rollout.scrape) // 2 // every * every)
    conditions = [measure.condition for measure in measures if isinstance(measure, While)]
    widest = max(measure.width for measure in (*measures, *conditions))
    alerts = (*guardrail.alerts, guardrail.blind)
    held = max(time for one in alerts for time in (one.sustained, one.keep_firing_for)) / MOST
    if thin and guardrail.thin is not None:
        held = max(held, guardrail.thin.sustained)
        if held >= DAY and widest < PAST:
            raise Impossible(
                "promtool holds too few samples for a day that is scraped as often as its windows ask"
            )
    least = guardrail.blind.sustained or 10 * every
    least = -(-least // every) * every
    found = (least * factor for factor in FACTORS if least * factor >= max(widest, held))
    step = next(found, None)
    if step is None:
        raise Impossible("it would last longer than a test should")
    return step


def scraped(subject: Subject, step: timedelta) -> Subject:
    """Where all is scraped seldom enough that promtool can hold a long past in its memory."""
    every, ago = (
        subject.rollout.scrape,
        max((r.ago or NOTHING for r in subject.compared_with), default=NOTHING),
    )
    measures = [signal.measure for signal in subject.guardrail.signals]
    conditions = [measure.condition for measure in measures if isinstance(measure, While)]
    widths = [measure.width for measure in (*measures, *conditions) if measure.width]
    if max([ago, *widths, NOTHING]) < PAST:
        return subject
    most = min(min(widths, default=SELDOM * 4) / 4, SELDOM) // every
    even = (n * every for n in range(most, 0, -1) if not any(w % (n * every) for w in (*widths, ago, step)))
    return replace(subject, rollout=replace(subject.rollout, scrape=next(even, every)))


def simple(subject: Subject) -> bool:
    """Whether its signals are one figure from scrape to scrape, and none of them looks at another's series."""
    steady = (Ratio, Latency, SlowerThan, Increase, Rate, Gauge, Usage, State)
    measures = [signal.measure for signal in subject.guardrail.signals]
    parts = [*measures, *(one.condition for one in measures if isinstance(one, While))]
    known = all(
        isinstance(one.inner, steady) and not (isinstance(one, Gauge) and one.window) for one in parts
    )
    return known and not subject.entangled
