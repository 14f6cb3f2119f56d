"""Guardrails that miss a metric → the story in which it is there, is gone for as long as they wait, and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.attempts import canary_of
from handrail.emit.promtool.boundaries import fires_of_itself
from handrail.emit.promtool.series import At, Feed, Impossible, Key, Timeline, chosen
from handrail.emit.promtool.story import Course, Instance, Lifecycle, Story, Untestable, instance
from handrail.emit.promtool.verdicts import stages_of
from handrail.plan import Absence, Alert, Condition, Guardrail, Rollout, Signal
from handrail.units import span

GONE = "A metric is absent once it has been gone for as long as declared, and not before"
MOST = 400
"""So many evaluations in a row are not too many."""


def absences(rollout: Rollout) -> Iterator[Story | Untestable]:
    """One for each window, for it is known after so many evaluations as there are in it."""
    by_window: dict[object, list[tuple[Guardrail, Signal]]] = {}
    for guardrail in rollout.guardrails:
        for signal in guardrail.signals:
            if isinstance(signal.measure, Absence):
                by_window.setdefault(signal.measure.window, []).append((guardrail, signal))
    for several in by_window.values():
        try:
            yield _story(rollout, several)
        except Impossible as reason:
            yield from (Untestable(guardrail.name, str(reason)) for guardrail, _ in several)


def _story(rollout: Rollout, several: list[tuple[Guardrail, Signal]]) -> Story:
    every, stage = rollout.evaluate, stages_of(rollout)[0]
    window = max(signal.measure.width for _, signal in several)
    if window > MOST * every:
        raise Impossible(
            f"{span(window)} of evaluations every {span(every)} are more than a test should have"
        )
    there: dict[Key, Feed] = {}
    alerts: dict[Instance, Alert] = {}
    for guardrail, signal in several:
        arms, measure = guardrail.arms, signal.measure
        if isinstance(measure, Absence):
            given = {} if arms is None else {arms.label: canary_of(arms)}
            there[chosen(measure.metric, given)] = At(Decimal(1))
        for alert in guardrail.alerts:
            told = any(_misses(one, signal, stage) for one in alert.conditions)
            if told and not fires_of_itself(alert):
                alerts[instance(alert, names.SIGNAL, signal.name)] = alert
    if not alerts:
        raise Impossible("no tier says what its absence is")
    course = Course(every, Timeline(min(rollout.scrape, every)), alerts)
    looks = []
    for _ in range(window // every + 2):
        course.go_on(there, [], stage, shown=["the metrics are there"])
    looks.append(course.look())
    gone, scrape = course.now, course.timeline.scrape
    while course.next < gone // scrape * scrape + window:
        course.go_on({}, [], stage, shown=["the metrics are gone"])
    looks.append(course.look())
    longest = max(alert.sustained for alert in alerts.values())
    surely = gone + window + longest + 2 * rollout.scrape + 2 * every
    while course.next <= surely:
        course.go_on({}, [], stage, unknown=alerts, shown=["the metrics are gone"])
    course.lives = dict.fromkeys(alerts, Lifecycle(since=gone, firing=True))
    course.looks = [*looks, course.look()]
    return course.story(GONE)


def _misses(condition: Condition, signal: Signal, stage: str | None) -> bool:
    figure = condition.figure_in(stage)
    return condition.signal == signal and figure is not None and condition.op.breached(Decimal(1), figure)
