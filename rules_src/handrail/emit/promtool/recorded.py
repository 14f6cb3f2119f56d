"""A played scenario → what the recorded values and the recorded traffic are, as promtool expects it.

Asked when the alert in question first fires, else at the end, and wherever the scenario says. What the two
generations of Prometheus see differently is not asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

from handrail import names
from handrail.emit.document import Data
from handrail.emit.promtool.expect import Expected
from handrail.emit.promtool.judge import Judge
from handrail.emit.promtool.measure import ms, traffic
from handrail.emit.promtool.series import Labels
from handrail.emit.promtool.storage import Values
from handrail.plan import Free, Rollout, Selector, Signal
from handrail.units import plain, span

NEAREST = Decimal("0.000001")
OTHER = "another"
"""The label value of what belongs to others."""

Seen = Callable[[Judge, Signal, int], Values]


def recorded(part: Expected, rollout: Rollout) -> list[Data]:
    """What is recorded of the scenario's guardrail."""
    if any(isinstance(signal.measure, Free) for signal in part.scenario.guardrail.signals):
        return []
    looks = {look * ms(rollout.scrape) for look in part.scenario.looks}
    times = [next(_settled(part), part.asked[-1]), *sorted(looks)]
    found = [(metric, seen, time) for time in times for metric, seen in _RECORDED]
    tests = (_test(part, rollout, metric, seen, time) for metric, seen, time in found)
    return [test for test in tests if test is not None]


def _settled(part: Expected) -> Iterator[int]:
    """When the alert in question first fires, if both generations see the same values then; else the end."""
    for alert in part.scenario.texts or part.scenario.fires:
        time = part.courses[0].first(alert)
        if time is not None and _samples(part, _value, time) is not None:
            yield time


def _value(judge: Judge, signal: Signal, time: int) -> Values:
    return judge.values(signal, time)


def _traffic(judge: Judge, signal: Signal, time: int) -> Values:
    return traffic(signal.measure, judge.parts(signal), judge.storage, time) or {}


_RECORDED: tuple[tuple[str, Seen], ...] = ((names.VALUE, _value), (names.TRAFFIC, _traffic))


def _test(part: Expected, rollout: Rollout, metric: str, seen: Seen, time: int) -> Data | None:
    scenario = part.scenario
    samples = _samples(part, seen, time)
    if samples is None or (
        metric == names.TRAFFIC and not any(s.traffic for s in scenario.guardrail.signals)
    ):
        return None
    matchers = [(names.ROLLOUT, "=", rollout.name), (names.GUARDRAIL, "=", scenario.guardrail.name)]
    strange = {label for key in scenario.tapes if key.metric == metric for label, _ in key.labels}
    told_apart = {names.SIGNAL, *(label for signal in scenario.guardrail.signals for label in signal.by[:1])}
    matchers += [(label, "!=", OTHER) for label in sorted(strange & told_apart)]
    expr = f"round({Selector(metric, tuple(matchers))}, {plain(NEAREST)})"
    return {"expr": expr, "eval_time": span(timedelta(milliseconds=time)), "exp_samples": samples}


def _samples(part: Expected, seen: Seen, time: int) -> list[Data] | None:
    """The recorded samples; None where the generations do not agree."""
    found: list[Data] = []
    for signal in part.scenario.guardrail.signals:
        old, new = (
            {labels: _rounded(value) for labels, value in seen(course.judge, signal, time).items()}
            for course in part.courses
        )
        if old != new:
            return None
        own = part.courses[0].judge.own(signal)
        found += [
            {"labels": _labels((*own, *labels)), "value": value} for labels, value in sorted(old.items())
        ]
    return found


def _rounded(value: float) -> float:
    if not math.isfinite(value):
        return value
    inverse = 1 / float(NEAREST)
    number = math.floor(value * inverse + 0.5) / inverse
    return int(number) if number == int(number) else number


def _labels(labels: Labels) -> str:
    return str(Selector("", tuple((name, "=", value) for name, value in sorted(labels) if value))) or "{}"
