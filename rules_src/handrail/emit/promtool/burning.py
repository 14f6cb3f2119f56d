"""A played course of an SLO → promtool's test case: what fires, what is recorded, the texts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from handrail import names
from handrail.emit.document import Data
from handrail.emit.promtool.budget import Course
from handrail.emit.promtool.cases import alert_data
from handrail.emit.promtool.lifecycle import Firing
from handrail.emit.promtool.measure import ms
from handrail.emit.promtool.scene import Scene, samples
from handrail.emit.promtool.series import Labels
from handrail.emit.promtool.stimulus import Impossible
from handrail.emit.promtool.storage import Storage, Values
from handrail.plan import Alert, Rollout, Selector, Slo
from handrail.units import plain, span

NEAREST = Decimal("0.00000001")
"""What is recorded is compared to so much."""


@dataclass(frozen=True)
class Shown:
    """What a course of an SLO is to show, in evaluations that lie `step` apart.

    `fires` must fire at some time, `silent` never; where a `window` is named, for the pair of that long window.
    """

    promise: str
    rollout: Rollout
    slo: Slo
    step: timedelta
    about: str = ""
    fires: Alert | None = None
    silent: tuple[Alert, ...] = ()
    window: timedelta | None = None

    def case(self, scene: Scene, looks: tuple[int, ...] = (), settled: int = 0) -> Data:
        """The course as promtool reads it, asked at every turn, at its end and at the scrapes of `looks`.

        Raises Impossible when it does not show its promise from the scrape `settled` on.
        """
        every = ms(self.rollout.scrape)
        times = range(0, (scene.clock - 1) * every + 1, ms(self.step))
        scraped = samples(scene.tapes, self.rollout.scrape)
        storages = (Storage(scraped, closed) for closed in (True, False))
        old, new = (Course(self.rollout, self.slo, storage, times) for storage in storages)
        for course in (old, new):
            self._check(course, settled * every)
        asked = sorted({*_turns(old), *(look * every for look in looks)})
        fires = {"alert_rule_test": self._texts(self.fires, old, new)} if self.fires else {}
        return {
            "name": f"{self.promise}: {self._named}",
            "interval": span(self.rollout.scrape),
            "input_series": [
                {"series": str(key), "values": tape.notation} for key, tape in scene.tapes.items()
            ],
            **fires,
            "promql_expr_test": [
                *(self._firing(time, old) for time in asked if _names(old, time) == _names(new, time)),
                *(test for time in asked for test in self._recorded(time, old, new)),
            ],
        }

    @property
    def _named(self) -> str:
        return " ".join(filter(None, [f"slo-{self.slo.name}", self.about]))

    def _check(self, course: Course, settled: int) -> None:
        fired = {
            alert.name: self._fired(course, alert, settled) for alert in (*self.silent, self.fires) if alert
        }
        if self.fires is not None and not fired[self.fires.name]:
            raise Impossible(f"{self.promise}: {self._named} ({self.fires.name} does not fire)")
        for alert in self.silent:
            if fired[alert.name]:
                raise Impossible(f"{self.promise}: {self._named} ({alert.name} fires)")

    def _fired(self, course: Course, alert: Alert, settled: int) -> bool:
        return any(
            self.window is None or (names.WINDOW, span(self.window)) in labels
            for time, state in course.states.items()
            if time >= settled
            for labels in state[alert.name]
        )

    def _texts(self, alert: Alert, old: Course, new: Course) -> list[Data]:
        for time in old.times:
            first, second = (
                [
                    alert_data(alert, labels, value, self.rollout)
                    for labels, value in course.states[time][alert.name].items()
                ]
                for course in (old, new)
            )
            if first and first == second:
                return [{"eval_time": _at(time), "alertname": alert.name, "exp_alerts": first}]
        return []

    def _firing(self, time: int, course: Course) -> Data:
        matchers = (
            ("alertstate", "=", "firing"),
            (names.ROLLOUT, "=", self.rollout.name),
            (names.GUARDRAIL, "=", f"slo-{self.slo.name}"),
            (names.LEVEL, "=", ""),
        )
        counts: Counter[Labels] = Counter(
            ((names.ALERTNAME, name), *(pair for pair in labels if pair[0] == names.WINDOW))
            for name, fires in course.states[time].items()
            for labels in fires
        )
        return {
            "expr": f"count by (alertname, window) ({Selector('ALERTS', matchers)})",
            "eval_time": _at(time),
            "exp_samples": _samples(counts),
        }

    def _recorded(self, time: int, old: Course, new: Course) -> list[Data]:
        """What is recorded, where the generations agree on it."""
        matchers = ((names.ROLLOUT, "=", self.rollout.name), (names.SLO, "=", self.slo.name))
        second = new.recorded(time)
        return [
            {
                "expr": f"round({Selector(metric, matchers)}, {plain(NEAREST)})",
                "eval_time": _at(time),
                "exp_samples": _samples(_rounded(values)),
            }
            for metric, values in old.recorded(time).items()
            if _rounded(values) == _rounded(second[metric])
        ]


def _turns(course: Course) -> set[int]:
    turns = {course.times[-1]}
    for before, now in pairwise(course.times):
        if _names(course, before) != _names(course, now):
            turns |= {before, now}
    return turns


def _names(course: Course, time: int) -> dict[str, frozenset[Labels]]:
    state: dict[str, Firing] = course.states[time]
    return {name: frozenset(fires) for name, fires in state.items() if fires}


def _rounded(values: Values) -> Values:
    inverse = 1 / float(NEAREST)
    return {labels: math.floor(value * inverse + 0.5) / inverse for labels, value in values.items()}


def _samples(values: Mapping[Labels, float]) -> list[Data]:
    return [
        {
            "labels": str(Selector("", tuple((name, "=", text) for name, text in labels))),
            "value": int(value) if value == int(value) else value,
        }
        for labels, value in sorted(values.items())
    ]


def _at(time: int) -> str:
    return span(timedelta(milliseconds=time))
