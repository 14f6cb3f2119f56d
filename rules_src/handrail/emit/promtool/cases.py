"""Expected scenarios → promtool's test cases; those of one promise that do not disturb each other share a case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from handrail import names
from handrail.emit.document import Data
from handrail.emit.promtool.expect import Broken, Expected, expected
from handrail.emit.promtool.reads import reads
from handrail.emit.promtool.recorded import recorded
from handrail.emit.promtool.series import Key, Labels, Tape
from handrail.emit.promtool.storage import matches
from handrail.emit.promtool.text import expanded
from handrail.plan import Alert, Rollout, Selector
from handrail.units import span


@dataclass
class Case:
    """One test case: scenarios of one promise, played at the same time."""

    promise: str
    parts: list[Expected]
    tapes: dict[Key, Tape]
    read: list[Selector]

    def take(self, one: Expected, rollout: Rollout) -> bool:
        """Play this one too, if it and the others still show what they promise."""
        if self._fits(one):
            self.add(one)
            return True
        together = self._together(one, rollout) if one.scenario.shared and self._alone(one) else None
        if together is None:
            return False
        self.parts, self.tapes = together
        self.read += reads(one.scenario.guardrail)
        return True

    def _together(self, one: Expected, rollout: Rollout) -> tuple[list[Expected], dict[Key, Tape]] | None:
        """All parts played anew with the series of all of them, where some read what others feed."""
        tapes = {**one.scenario.tapes, **self.tapes}
        for key, tape in one.scenario.tapes.items():
            if tapes[key].length < tape.length:
                if not _together(tape, tapes[key]):
                    return None
                tapes[key] = tape
        try:
            new = expected(replace(one.scenario, tapes=tapes), rollout)
            parts = [expected(replace(part.scenario, tapes=tapes), rollout) for part in self.parts]
        except Broken:
            return None
        return [*parts, new], tapes

    def _fits(self, one: Expected) -> bool:
        """Whether no series of one is read by the other, unless they are the same."""
        scenario, read = one.scenario, list(reads(one.scenario.guardrail))
        return (
            all(_together(tape, self.tapes.get(key)) for key, tape in scenario.tapes.items())
            and not _disturbed(read, scenario.tapes, self.tapes)
            and not _disturbed(self.read, self.tapes, scenario.tapes)
            and self._alone(one)
        )

    def _alone(self, one: Expected) -> bool:
        return all(part.scenario.guardrail is not one.scenario.guardrail for part in self.parts)

    def add(self, one: Expected) -> None:
        """Play this one too."""
        self.parts.append(one)
        self.read += reads(one.scenario.guardrail)
        for key, tape in one.scenario.tapes.items():
            if key not in self.tapes or self.tapes[key].length < tape.length:
                self.tapes[key] = tape


def packed(scenarios: Iterable[Expected], rollout: Rollout) -> list[Case]:
    """As few cases as come of putting each scenario into the first that takes it."""
    by_promise: dict[str, list[Case]] = {}
    for one in scenarios:
        cases = by_promise.setdefault(one.scenario.promise, [])
        if any(case.take(one, rollout) for case in cases):
            continue
        case = Case(one.scenario.promise, [], {}, [])
        case.add(one)
        cases.append(case)
    return [case for cases in by_promise.values() for case in cases]


def _together(mine: Tape, other: Tape | None) -> bool:
    if other is None:
        return True
    short, long = sorted((mine, other), key=lambda tape: tape.length)
    count = len(short.points)
    return (
        long.points[:count] == short.points
        and long.values[:count] == short.values
        and [mark for mark in long.stale if mark < short.length] == short.stale
        and not any(point < short.length for point in long.points[count:])
    )


def _disturbed(read: list[Selector], own: dict[Key, Tape], others: dict[Key, Tape]) -> bool:
    return any(key not in own and any(matches(selector, key) for selector in read) for key in others)


def case_data(case: Case, rollout: Rollout) -> Data:
    """The test case as promtool reads it."""
    expressions = [test for part in case.parts for test in _expressions(part, rollout)]
    alerts = [test for part in case.parts for test in _alerts(part, rollout)]
    data: Data = {
        "name": f"{case.promise}: {', '.join(part.scenario.about for part in case.parts)}",
        "interval": span(rollout.scrape),
        "input_series": [{"series": str(key), "values": tape.notation} for key, tape in case.tapes.items()],
    }
    if alerts:
        data["alert_rule_test"] = alerts
    data["promql_expr_test"] = expressions
    return data


def _expressions(part: Expected, rollout: Rollout) -> list[Data]:
    return [_firing(part, rollout, time) for time in part.asked] + recorded(part, rollout)


def _firing(part: Expected, rollout: Rollout, time: int) -> Data:
    matchers = (
        ("alertstate", "=", "firing"),
        (names.ROLLOUT, "=", rollout.name),
        (names.GUARDRAIL, "=", part.scenario.guardrail.name),
        (names.LEVEL, "=", ""),
    )
    counts = {name: len(fires) for name, fires in part.state(time).items() if fires}
    samples: list[Data] = [
        {"labels": f'{{alertname="{name}"}}', "value": count} for name, count in sorted(counts.items())
    ]
    return {
        "expr": f"count by (alertname) ({Selector('ALERTS', matchers)})",
        "eval_time": _time(time),
        "exp_samples": samples,
    }


def _alerts(part: Expected, rollout: Rollout) -> list[Data]:
    found: list[Data] = []
    for alert in part.scenario.texts:
        first, shown = part.courses[0].first(alert), _shown(part, alert, rollout)
        if first is None or shown is None:
            continue
        before = [asked for asked in part.asked if asked < first]
        if before:
            found.append({"eval_time": _time(before[-1]), "alertname": alert.name, "exp_alerts": []})
        time, alerts = shown
        found.append({"eval_time": _time(time), "alertname": alert.name, "exp_alerts": alerts})
    return found


def _shown(part: Expected, alert: Alert, rollout: Rollout) -> tuple[int, list[Data]] | None:
    """The first time at which both generations show the alert, and show the same."""
    for time in part.courses[0].states:
        old, new = (
            [
                alert_data(alert, labels, value, rollout)
                for labels, value in course.states[time][alert.name].items()
            ]
            for course in part.courses
        )
        if old and old == new:
            return time, old
    return None


def alert_data(alert: Alert, labels: Labels, value: float, rollout: Rollout) -> Data:
    """An alert as promtool expects it: whole labels and texts."""
    guardrail = dict(alert.labels).get(names.GUARDRAIL, "")
    return {
        "exp_labels": dict(labels),
        "exp_annotations": {
            "summary": expanded(alert.summary, value, dict(labels)),
            "description": expanded(alert.description, value, dict(labels)),
            "runbook_url": f"{rollout.runbook_url}#{guardrail}",
            "dashboard_url": rollout.dashboard_url,
        },
    }


def _time(time: int) -> str:
    return span(timedelta(milliseconds=time))
