"""Conditions of the plan → PromQL text: comparisons, stages, references, minimum of traffic, blindness.

A sample of `fires` is a breach. What the receiver exports (stage, captured figures) is believed for
`REMEMBER` while it cannot be scraped; after that there is no verdict and `blind` says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from handrail import names
from handrail.plan import (
    Condition,
    Free,
    Only,
    Op,
    Quantile,
    Reference,
    ReferenceKind,
    Selector,
    Share,
    Signal,
    Slow,
    Stage,
)
from handrail.promql import watched
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
        matchers.append(
            (names.STAGE, "=~", "|".join(re.escape(stage).replace("\\%", "%") for stage in stages))
        )
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
        return plain(condition.limits[0].figure)
    named = [limit for limit in condition.limits if limit.stage is not None]
    by_figure: dict[str, list[str]] = {}
    for limit in named:
        by_figure.setdefault(plain(limit.figure), []).append(limit.stage or "")
    parts = [f"({stage_is(rollout, *stages)}) * {figure}" for figure, stages in by_figure.items()]
    for rest in (limit for limit in condition.limits if limit.stage is None):
        elsewhere = in_stages(rollout, tuple(limit.stage or "" for limit in named))
        fixed = f'label_replace(vector({plain(rest.figure)}), "rollout", "{rollout}", "", "")'
        parts.append(f"({fixed} unless on () ({elsewhere}))")
    # Two receivers may name two stages for a moment: the tighter limit counts, and never both.
    tightest = "bottomk" if condition.op in (Op.above, Op.at_least) else "topk"
    return f"{tightest} by (rollout) (1, {' or '.join(parts)})"


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
        return str(_stable(condition.signal.value, condition.signal, place))
    if reference.kind is ReferenceKind.ago:
        return f"{condition.signal.value} offset {span(reference.ago or timedelta())}"
    return " or ".join(
        f"{captured(place, names.stage_reference(before))} and on (rollout) ({stage_is(place.rollout, now)})"
        for before, now in steps(reference, place)
    )


def steps(reference: Reference, place: Place) -> list[tuple[str, str]]:
    """(stage whose figure was captured, stage in which it is compared with)."""
    stages = [stage.name for stage in place.stages]
    if reference.stage is None:
        return list(pairwise(stages))
    return [(reference.stage, later) for later in stages[stages.index(reference.stage) + 1 :]]


def _stable(series: Selector, signal: Signal, place: Place) -> Selector:
    return series.where((signal.by[0], "=", place.arm or ""))


def fires(condition: Condition, place: Place) -> str:
    """A sample, with the value, for every series that is in breach."""
    op = condition.op.value
    line = limit(condition, place)
    compared = f"{_judged(condition)} {op} {_joined(condition)}{_bracketed(line)}"
    return "\nand ".join([compared, *_enough(condition, place)])


def _judged(condition: Condition) -> Selector:
    value = condition.signal.value
    return value if condition.state is None else value.where((condition.signal.by[-1], "=", condition.state))


def _bracketed(expr: str) -> str:
    return expr if re.fullmatch(r"[\d.]+", expr) else f"({expr})"


def _joined(condition: Condition) -> str:
    stage = "stage" if condition.staged else ""
    if condition.reference is None:
        return f"on (rollout) group_left ({stage}) " if stage else ""
    if condition.reference.kind is ReferenceKind.ago:
        labels = (names.ROLLOUT, names.GUARDRAIL, *condition.signal.by)
    elif condition.reference.kind is ReferenceKind.stable:
        labels = (names.ROLLOUT, names.GUARDRAIL, *condition.signal.by[1:])
    else:
        labels = (names.ROLLOUT, names.GUARDRAIL)
    return f"on ({', '.join(labels)}) group_left ({stage}) "


def _enough(condition: Condition, place: Place) -> list[str]:
    signal = condition.signal
    measure = signal.measure.measure if isinstance(signal.measure, Only) else signal.measure
    if signal.traffic is None or not isinstance(measure, Share | Quantile | Slow):
        return []
    window, least = seconds(measure.window), measure.min_events
    labels = ", ".join((names.ROLLOUT, names.GUARDRAIL, *signal.by))
    parts = [f"on ({labels}) {signal.traffic} * {plain(window)} >= {least}"]
    if condition.reference is not None and condition.reference.kind is ReferenceKind.stable:
        stable = _stable(signal.traffic, signal, place)
        rest = ", ".join((names.ROLLOUT, names.GUARDRAIL, *signal.by[1:]))
        parts.append(f"on ({rest}) {stable} * {plain(window)} >= {least}")
    return parts


def seen(condition: Condition, place: Place) -> str:
    """A sample while the condition can be judged: data, enough traffic, and the reference."""
    parts = [str(_judged(condition)), *_enough(condition, place)]
    if condition.reference is not None:
        labels = _joined(condition).partition(" group_left")[0]
        parts.append(f"{labels} ({_reference(condition, place)})")
    return "\nand ".join(parts)


def since_start(rollout: str, during: timedelta) -> str:
    """One sample with label rollout while the current stage is younger than `during`."""
    entered = remembered(Selector(names.STAGE_ENTERED_METRIC, ((names.ROLLOUT, "=", rollout),)))
    return f"on (rollout) (time() - min by (rollout) ({entered}) < {plain(seconds(during))})"


def cannot_see(signals: tuple[Signal, ...], conditions: tuple[Condition, ...], place: Place) -> str:
    """A sample with a `reason` for everything the guardrail needs and does not have."""
    gate = f" and on () ({place.running})" if place.arm is not None else ""
    missing = [expr for signal in signals for expr in _watched(signal)]
    parts = (
        [_because("its metrics are missing", " or ".join(f"absent({expr})" for expr in missing), gate)]
        if missing
        else []
    )
    kinds = {condition.reference.kind for condition in conditions if condition.reference is not None}
    if ReferenceKind.before in kinds:
        lost = f"absent({captured(place, names.BEFORE)})"
        parts.append(
            _because("the figure from before the rollout is missing", lost, f" and on () ({place.running})")
        )
    earlier = {
        pair
        for condition in conditions
        if condition.reference is not None and condition.reference.kind is ReferenceKind.previous_stage
        for pair in steps(condition.reference, place)
    }
    parts += [
        _because(
            f"the figure of stage {before} is missing",
            f"absent({captured(place, names.stage_reference(before))})",
            f" and on () ({in_stages(place.rollout, (now,))})",
        )
        for before, now in sorted(earlier)
    ]
    if ReferenceKind.stable in kinds:
        lost = " or ".join(f"absent({_stable(s.traffic or s.value, s, place)})" for s in signals if s.by)
        parts.append(_because("the stable arm's metrics are missing", lost, f" and on () ({place.compared})"))
    past = {
        (str(c.signal.value), span(c.reference.ago))
        for c in conditions
        if c.reference is not None and c.reference.ago is not None
    }
    parts += [
        _because(f"there is no history of {ago}", f"absent({value} offset {ago})", "")
        for value, ago in sorted(past)
    ]
    if place.arm is not None or kinds - {ReferenceKind.ago} or any(c.staged for c in conditions):
        stages = Selector(names.STAGE_METRIC, ((names.ROLLOUT, "=", place.rollout),))
        parts.append(
            _because("nobody reports the stage", f"absent_over_time({stages}[{span(REMEMBER)}])", "")
        )
    return "\nor ".join(parts)


def _watched(signal: Signal) -> tuple[str, ...]:
    if isinstance(signal.measure, Free):
        return (str(signal.value),)
    return watched(signal.measure, signal.by, signal.traffic or signal.value)


def _because(reason: str, lost: str, gate: str) -> str:
    return f'label_replace(count({lost}){gate}, "reason", "{reason}", "", "")'
