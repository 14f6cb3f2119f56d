"""Scenario → what must fire when: the declared model, played through twice.

Prometheus before 3.0 and since see a window's left end differently. A time at which the two disagree is not
asked about; at every other turn the evaluation before it and the one at it are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from handrail.emit.promtool.judge import Judge
from handrail.emit.promtool.lifecycle import Firing, firing
from handrail.emit.promtool.measure import ms
from handrail.emit.promtool.scene import Scenario
from handrail.emit.promtool.series import Labels, labels_of
from handrail.emit.promtool.storage import Storage
from handrail.plan import Alert, Rollout

State = dict[str, Firing]
"""What fires at one evaluation: by alert name."""


class Broken(Exception):
    """The scenario does not show what it is to show; the message says what it shows."""


@dataclass(frozen=True)
class Course:
    """Every evaluation of a scenario, as one generation of Prometheus sees it."""

    judge: Judge
    states: dict[int, State]

    def first(self, alert: Alert, settled: int = 0) -> int | None:
        """When the alert fires first, from `settled` on."""
        return next(
            (time for time, state in self.states.items() if time >= settled and state[alert.name]), None
        )


@dataclass(frozen=True)
class Expected:
    """The scenario's course by both generations, and the times that can be asked about."""

    scenario: Scenario
    courses: tuple[Course, Course]
    asked: tuple[int, ...]

    def state(self, time: int) -> State:
        """What fires at a time that is asked about."""
        return self.courses[0].states[time]


def expected(scenario: Scenario, rollout: Rollout) -> Expected:
    """Play the scenario. Raises Broken when it does not show its promise."""
    series = scenario.samples(rollout.scrape)
    old, new = (_course(scenario, rollout, Storage(series, closed)) for closed in (True, False))
    for alert in scenario.fires:
        if old.first(alert) is None or new.first(alert) is None:
            raise Broken(f"{alert.name} does not fire")
    settled = scenario.settled * ms(rollout.scrape)
    for alert in scenario.silent:
        if any(course.first(alert, settled) is not None for course in (old, new)):
            raise Broken(f"{alert.name} fires")
    return Expected(scenario, (old, new), _asked(old, new))


def _course(scenario: Scenario, rollout: Rollout, storage: Storage) -> Course:
    judge = Judge(rollout, scenario.guardrail, storage)
    end = (scenario.length - 1) * ms(rollout.scrape)
    times = range(0, end + 1, ms(rollout.evaluate))
    states: dict[int, State] = {time: {} for time in times}
    for alert in scenario.guardrail.alerts:
        breaches = ((time, judge.breaches(alert, time)) for time in times)
        for time, fires in firing(breaches, ms(alert.hold), ms(alert.keep_firing_for)):
            states[time][alert.name] = {_whole(labels, alert): value for labels, value in fires.items()}
    blind = scenario.guardrail.blind
    for time, fires in firing(_reasons(judge, times), ms(blind.hold), ms(blind.keep_firing_for)):
        states[time][blind.name] = {_whole(labels, blind): value for labels, value in fires.items()}
    # Many courses are kept: what this judge remembers is not.
    forgetful = Judge(rollout, scenario.guardrail, Storage(storage.series, storage.closed))
    return Course(forgetful, states)


def _reasons(judge: Judge, times: Iterable[int]) -> Iterator[tuple[int, Firing]]:
    for time in times:
        yield time, {(("reason", why),): 1.0 for why in sorted(judge.reasons(time))}


def _whole(labels: Labels, alert: Alert) -> Labels:
    return labels_of({**dict(labels), **dict(alert.labels)}.items())


def _asked(old: Course, new: Course) -> tuple[int, ...]:
    """The evaluation before every turn and the one at it; where the two turn apart, those beside both turns."""
    times = list(old.states)
    turns = {times[-1]}
    for course in (old, new):
        names = [_names(state) for state in course.states.values()]
        for index in range(1, len(times)):
            if names[index] != names[index - 1]:
                turns |= {times[index - 1], times[index]}
    return tuple(time for time in sorted(turns) if _names(old.states[time]) == _names(new.states[time]))


def _names(state: State) -> dict[str, frozenset[Labels]]:
    return {name: frozenset(fires) for name, fires in state.items() if fires}
