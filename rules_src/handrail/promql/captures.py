"""A signal → the query by which the receiver captures its figure: before the rollout, or when a stage ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from handrail import contract
from handrail.plan import EventMeasure, Measure, Signal, narrowed
from handrail.promql.comparisons import OWN, Scope, has_arms, measure_then, of_stable, told_by
from handrail.promql.presence import present
from handrail.promql.syntax import by
from handrail.promql.values import events, value
from handrail.promql.windows import Estimated
from handrail.units import span


def captured_from(
    signal: Signal, scope: Scope, window: str, every: str, *, stable: bool, over: timedelta | None = None
) -> str:
    """The figures to capture, with the labels by which the receiver names them.

    With `over` it is the mean of that time, of the service's own series, which must have been there when it began.
    """
    if over is None:
        figure = _mean_value(signal, scope, window, every, stable=stable)
    else:
        figure = _mean_of_series(signal, scope, over)
    for label in signal.measure.labels:
        figure = f'label_replace({figure}, "{told_by(label)}", "$1", "{label}", "(.*)")'
    told = tuple(map(told_by, signal.measure.labels))
    return by("max", told, figure) if told else figure


def _mean_value(signal: Signal, scope: Scope, window: str, every: str, *, stable: bool) -> str:
    """An arm's mean value over `window`, sampled `every` so often, of the times with enough events.

    There is one for each value of the measure's labels. If versions are given at the start, nothing is recorded of the
    stable arm before it: then the series of its version are queried.
    """
    apart = has_arms(signal, scope)
    if apart and scope.arms is not None and scope.arms.told:
        if stable:
            return _mean(_of_stable_version(signal), window, every)
        pinned = (signal.by[0], "=", contract.CANARY_VERSION)
        signal = replace(
            signal, value=signal.value.where(pinned), events=signal.events and signal.events.where(pinned)
        )
    series = of_stable(signal.value, signal, scope) if stable and apart else signal.value
    measure = signal.measure.inner
    if signal.events is None or not isinstance(measure, EventMeasure):
        return f"avg_over_time({series}[{window}])"
    counted = of_stable(signal.events, signal, scope) if stable and apart else signal.events
    enough = f"{counted} >= {measure.min_events}"
    return f"avg_over_time(({series} and on ({', '.join((*OWN, *signal.by))}) {enough})[{window}:{every}])"


_PARTS = 288
"""A day is looked at every five minutes."""


def _mean_of_series(signal: Signal, scope: Scope, over: timedelta) -> str:
    """The mean of a longer time, which may have begun before the guardrail was there."""
    told = has_arms(signal, scope) and scope.arms is not None and scope.arms.told
    measure = _of_stable_version(signal) if told else measure_then(signal, scope)
    mean = _mean(measure, span(over), span(over / _PARTS))
    first = present(measure, (), over)
    return f"{mean} and on ({', '.join(measure.labels)}) ({first})"


def _mean(measure: Measure, window: str, every: str) -> str:
    """The mean of the service's own series, of the times with enough events."""
    how = Estimated(timedelta())
    counted = events(measure, (), how)
    number = value(measure, (), counted, how)
    if counted is None or not isinstance(measure.inner, EventMeasure):
        return f"avg_over_time(({number})[{window}:{every}])"
    enough = f"on ({', '.join(measure.labels)}) ({counted} >= {measure.inner.min_events})"
    return f"avg_over_time((({number}) and {enough})[{window}:{every}])"


def _of_stable_version(signal: Signal) -> Measure:
    """The measure of the stable version, which only the receiver knows before the start."""
    return narrowed(signal.measure, (signal.by[0], "=", contract.STABLE_VERSION))
