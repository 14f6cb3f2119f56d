"""Conditions of the plan → PromQL text: comparisons, stages, references, minimum of traffic.

A sample of `fires` is a breach. What the receiver exports (stage, captured figures) is believed for
`REMEMBER` while it cannot be scraped; after that there is no verdict and `blind` says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

from handrail import names
from handrail.plan import (
    Condition,
    Only,
    Op,
    PerSecond,
    Quantile,
    Reference,
    ReferenceKind,
    Selector,
    Share,
    Signal,
    Slow,
    Stage,
)
from handrail.promql import by, either
from handrail.units import plain, seconds, span

REMEMBER = timedelta(minutes=10)
"""How long the last word of the receiver (stage, references) is believed while it cannot be scraped."""


@dataclass(frozen=True)
class Place:
    """Where a condition is judged: the names and the stages its expressions need."""

    rollout: str
    guardrail: str
    stages: tuple[Stage, ...]
    arm: str | None

    @property
    def running(self) -> str:
        """One sample while an attempt gives the judged version traffic."""
        return in_stages(self.rollout, tuple(stage.name for stage in self.stages if stage.weight != 0))

    @property
    def compared(self) -> str:
        """One sample while both arms have traffic."""
        return in_stages(
            self.rollout, tuple(stage.name for stage in self.stages if stage.weight not in (0, 1))
        )


def stage_is(rollout: str, *stages: str) -> str:
    """One sample with labels rollout and stage while `rollout` is in one of `stages`, none else."""
    return f"max by (rollout, stage) ({_stages(rollout, stages)}) == 1"


def in_stages(rollout: str, stages: tuple[str, ...]) -> str:
    """One sample without labels while `rollout` is in one of `stages`, none else."""
    return f"max({_stages(rollout, stages)}) == 1"


def _stages(rollout: str, stages: tuple[str, ...]) -> str:
    matchers = [(names.ROLLOUT, "=", rollout)]
    if len(stages) == 1:
        matchers.append((names.STAGE, "=", stages[0]))
    elif stages:
        matchers.append((names.STAGE, "=~", either(stages)))
    return remembered(Selector(names.STAGE_METRIC, tuple(matchers)))


def remembered(series: Selector) -> str:
    """The last word of the receiver, believed for a while."""
    return f"last_over_time({series}[{span(REMEMBER)}])"


def reference_of(rollout: str, guardrail: str, reference: str) -> Selector:
    """The captured figure of a guardrail as the receiver exports it."""
    return Selector(
        names.REFERENCE_METRIC,
        ((names.ROLLOUT, "=", rollout), (names.GUARDRAIL, "=", guardrail), (names.REFERENCE, "=", reference)),
    )


def captured(place: Place, reference: str) -> str:
    """The captured figure, with labels rollout and guardrail."""
    series = reference_of(place.rollout, place.guardrail, reference)
    return f"max by (rollout, guardrail) ({remembered(series)})"


def figures(condition: Condition, rollout: str) -> str:
    """The limit's figure: a number, or a vector with labels rollout and stage of at most one sample."""
    if not condition.staged:
        return plain(condition.figures[0])
    named = [limit for limit in condition.limits if limit.stage is not None]
    by_figure: dict[str, list[str]] = {}
    for limit in named:
        if limit.figure is not None:
            by_figure.setdefault(plain(limit.figure), []).append(limit.stage or "")
    parts = [f"({stage_is(rollout, *stages)}) * {figure}" for figure, stages in by_figure.items()]
    upwards = condition.op in (Op.above, Op.at_least)
    for rest in (
        limit.figure for limit in condition.limits if limit.stage is None and limit.figure is not None
    ):
        fixed = f'label_replace(vector({plain(rest)}), "rollout", "{rollout}", "", "")'
        if all(
            limit.figure is not None and (limit.figure <= rest) == upwards
            for limit in named
            if limit.figure != rest
        ):
            # As loose as the loosest: where a stage has its own, that one is taken.
            parts.append(fixed)
            continue
        elsewhere = in_stages(rollout, tuple(limit.stage or "" for limit in named))
        parts.append(f"({fixed} unless on () ({elsewhere}))")
    if len(parts) == 1 and sum(map(len, by_figure.values())) == 1:
        return parts[0]
    # Two receivers may name two stages for a moment: the tighter limit counts, and never both.
    tightest = "bottomk" if upwards else "topk"
    return f"{tightest}(1, {' or '.join(parts)})"


def limit(condition: Condition, place: Place) -> str:
    """What the value is compared with: a number, or a vector with at most the labels it is joined on."""
    figure = figures(condition, place.rollout)
    if condition.reference is None:
        return figure
    operator = "+" if condition.points else "*"
    joined = (
        f"{operator} on (rollout) group_left (stage) ({figure})"
        if condition.staged
        else f"{operator} {figure}"
    )
    return f"({_reference(condition, place)}) {joined}"


def _reference(condition: Condition, place: Place) -> str:
    reference = condition.reference
    if reference is None:
        raise ValueError("a fixed limit has no reference")
    if reference.kind is ReferenceKind.before:
        return captured(place, names.BEFORE)
    if reference.kind is ReferenceKind.stable:
        return str(of_stable(condition.signal.value, condition.signal, place))
    if reference.kind is ReferenceKind.ago:
        return f"{back_then(condition.signal.value, condition.signal, place)} offset {span(reference.ago or timedelta())}"
    return " or ".join(
        f"{captured(place, names.stage_reference(before))} and on () ({in_stages(place.rollout, later)})"
        for before, later in steps(reference, place)
    )


def steps(reference: Reference, place: Place) -> list[tuple[str, tuple[str, ...]]]:
    """(stage whose figure was captured, the stages in which it is compared with)."""
    stages = [stage.name for stage in place.stages]
    if reference.stage is None:
        return [(before, (now,)) for before, now in pairwise(stages)]
    return [(reference.stage, tuple(stages[stages.index(reference.stage) + 1 :]))]


def of_stable(series: Selector, signal: Signal, place: Place) -> Selector:
    """The same series of the stable arm."""
    return series.where((signal.by[0], "=", place.arm or ""))


def back_then(series: Selector, signal: Signal, place: Place) -> Selector:
    """What to compare with some time ago: there was no canary then, and the stable arm was all there was."""
    return of_stable(series, signal, place) if tells_arms(signal, place) else series


def tells_arms(signal: Signal, place: Place) -> bool:
    """Whether the signal tells the arms apart."""
    return place.arm is not None and bool(signal.by)


def _others(signal: Signal, place: Place) -> tuple[str, ...]:
    """The labels its series are kept apart by, without the arm's."""
    return signal.by[1:] if tells_arms(signal, place) else signal.by


def fires(condition: Condition, place: Place) -> str:
    """A sample, with the value, for every series that is in breach."""
    op = condition.op.value
    line = limit(condition, place)
    compared = f"{_judged(condition)} {op} {_joined(condition, place)}{_bracketed(line)}"
    return "\nand ".join([compared, *_enough(condition, place)])


def not_only(condition: Condition, place: Place) -> str:
    """A sample while not all is in the condition's state: none is, or one of several is in another."""
    label, state = condition.signal.by[-1], condition.state or ""
    return f"{fires(condition, place)}\nor {condition.signal.value.where((label, '!=', state))} >= 1"


def _judged(condition: Condition) -> Selector:
    value = condition.signal.value
    return value if condition.state is None else value.where((condition.signal.by[-1], "=", condition.state))


def _bracketed(expr: str) -> str:
    return expr if re.fullmatch(r"[\d.]+", expr) else f"({expr})"


def _joined(condition: Condition, place: Place) -> str:
    stage = "stage" if condition.staged else ""
    if condition.reference is None:
        return f"on (rollout) group_left ({stage}) " if stage else ""
    labels: tuple[str, ...] = (names.ROLLOUT, names.GUARDRAIL)
    if condition.reference.kind in (ReferenceKind.ago, ReferenceKind.stable):
        labels += _others(condition.signal, place)
    return f"on ({', '.join(labels)}) group_left ({stage}) "


def _enough(condition: Condition, place: Place) -> list[str]:
    """What must be so beside the comparison for it to count: events enough, here and in what is compared with."""
    signal, reference = condition.signal, condition.reference
    measure = signal.measure.measure if isinstance(signal.measure, Only) else signal.measure
    ago = reference.ago if reference is not None else None
    if isinstance(measure, PerSecond):
        return _grown_up(measure, condition, place, ago)
    if signal.traffic is None or not isinstance(measure, Share | Quantile | Slow):
        return []
    least = f"* {plain(seconds(measure.window))} >= {measure.min_events}"
    own = (names.ROLLOUT, names.GUARDRAIL)
    parts = [f"on ({', '.join((*own, *signal.by))}) {signal.traffic} {least}"]
    rest = ", ".join((*own, *_others(signal, place)))
    if reference is not None and reference.kind is ReferenceKind.stable:
        parts.append(f"on ({rest}) {of_stable(signal.traffic, signal, place)} {least}")
    if ago is not None:
        parts.append(f"on ({rest}) {back_then(signal.traffic, signal, place)} offset {span(ago)} {least}")
    return parts


def captured_from(signal: Signal, place: Place, window: str, every: str, *, stable: bool) -> str:
    """The mean over `window` of what an arm's value was, looked at `every` so often, when there were events enough."""
    apart = stable and tells_arms(signal, place)
    value = of_stable(signal.value, signal, place) if apart else signal.value
    measure = signal.measure.measure if isinstance(signal.measure, Only) else signal.measure
    if signal.traffic is None or not isinstance(measure, Share | Quantile | Slow):
        return f"avg_over_time({value}[{window}])"
    events = of_stable(signal.traffic, signal, place) if apart else signal.traffic
    enough = f"{events} * {plain(seconds(measure.window))} >= {measure.min_events}"
    return f"avg_over_time(({value} and on ({', '.join((names.ROLLOUT, names.GUARDRAIL, *signal.by))}) {enough})[{window}:{every}])"


def _grown_up(measure: PerSecond, condition: Condition, place: Place, ago: timedelta | None) -> list[str]:
    """A rate reads too low until its series is a window old: that is no drop now, and was no low tide then."""
    parts = []
    if condition.op in (Op.below, Op.at_most):
        parts.append(_rated(measure, condition.signal, condition.signal.by, measure.window))
    if ago is not None:
        rest = _others(condition.signal, place)
        then = replace(condition.signal, value=back_then(condition.signal.value, condition.signal, place))
        parts.append(_rated(measure, then, rest, measure.window + ago))
    return parts


def _rated(measure: PerSecond, signal: Signal, labels: tuple[str, ...], before: timedelta) -> str:
    """There was a rate `before`; one that is bound to a condition may not have been recorded then."""
    if isinstance(signal.measure, Only):
        return f"on ({', '.join(labels)}) {by('count', labels, f'{measure.counter} offset {span(before)}')}"
    return f"on ({', '.join((names.ROLLOUT, names.GUARDRAIL, *labels))}) {signal.value} offset {span(before)}"


def seen(condition: Condition, place: Place) -> str:
    """A sample while the condition can be judged: data, enough traffic, and the reference."""
    parts = [str(_judged(condition)), *_enough(condition, place)]
    if condition.reference is not None:
        labels = _joined(condition, place).partition(" group_left")[0]
        parts.append(f"{labels} ({_reference(condition, place)})")
    return "\nand ".join(parts)


def since_start(rollout: str, during: timedelta) -> str:
    """One sample with label rollout while the current stage is younger than `during`."""
    entered = remembered(Selector(names.STAGE_ENTERED_METRIC, ((names.ROLLOUT, "=", rollout),)))
    return f"on (rollout) (time() - min by (rollout) ({entered}) < {plain(seconds(during))})"
