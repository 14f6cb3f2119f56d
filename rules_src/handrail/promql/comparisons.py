"""Conditions of the plan → PromQL text: comparisons, stages, references, minimum of traffic.

A sample of `fires` is a breach. What the receiver exports (stage, captured figures) is believed for
`REMEMBER` while it cannot be scraped; after that there is no verdict and `blind` says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.plan import (
    Arms,
    Condition,
    EventMeasure,
    Measure,
    PromQL,
    Rate,
    Reference,
    ReferenceKind,
    Selector,
    Signal,
    Stage,
    StageLimit,
    compared_stages,
    narrowed,
)
from handrail.promql.aggregated import NUMBERS
from handrail.promql.presence import series_of_window, there_before
from handrail.promql.remembered import remembered
from handrail.promql.syntax import by, either
from handrail.promql.values import events, value
from handrail.promql.windows import Estimated
from handrail.units import plain, seconds


@dataclass(frozen=True)
class AnyStage:
    """In every stage, and also if there are no stages."""


@dataclass(frozen=True)
class NoStage:
    """In no stage."""


@dataclass(frozen=True)
class TheseStages:
    """In one of these."""

    names: tuple[str, ...]


Stages = AnyStage | NoStage | TheseStages
"""When something is looked at."""


@dataclass(frozen=True)
class Scope:
    """Where a condition is judged: the names and the stages its expressions need."""

    rollout: str
    guardrail: str
    stages: tuple[Stage, ...]
    arms: Arms | None

    @property
    def running(self) -> Stages:
        """The stages in which the judged version has traffic."""
        if self.arms is None:
            return AnyStage()
        return self._in(tuple(stage.name for stage in self.stages if stage.has_canary))

    @property
    def begun(self) -> Stages:
        """The stages in which a figure that was captured at the start is compared."""
        return self._in(tuple(stage.name for stage in self.stages if self.arms is None or stage.has_canary))

    @property
    def compared(self) -> Stages:
        """The stages in which both arms have traffic."""
        return self._in(tuple(stage.name for stage in self.stages if stage.has_both))

    def _in(self, stages: tuple[str, ...]) -> Stages:
        if not self.stages:  # somebody else moves the traffic, and the arms are there whenever they are
            return AnyStage()
        return TheseStages(stages) if stages else NoStage()


def in_stages(rollout: str, stages: tuple[str, ...]) -> str:
    """One sample without labels while `rollout` is in one of `stages`, of which there is at least one."""
    return f"max({_stages(rollout, stages)}) == 1"


def in_any_stage(rollout: str) -> str:
    """One sample without labels while an attempt is active."""
    return f"max({remembered(Selector(names.STAGE_METRIC, ((names.ROLLOUT, '=', rollout),)))}) == 1"


def each_of(rollout: str, stages: tuple[str, ...]) -> str:
    """One sample by `stage` for every one of `stages` that `rollout` is in."""
    return f"max by (stage) ({_stages(rollout, stages)}) == 1"


def _stages(rollout: str, stages: tuple[str, ...]) -> str:
    one_of = (names.STAGE, "=", stages[0]) if len(stages) == 1 else (names.STAGE, "=~", either(stages))
    return remembered(Selector(names.STAGE_METRIC, ((names.ROLLOUT, "=", rollout), one_of)))


def reference_of(rollout: str, guardrail: str, reference: str) -> Selector:
    """The captured figure of a guardrail as the receiver exports it."""
    return Selector(
        names.REFERENCE_METRIC,
        ((names.ROLLOUT, "=", rollout), (names.GUARDRAIL, "=", guardrail), (names.REFERENCE, "=", reference)),
    )


def captured(scope: Scope, reference: str, labels: tuple[str, ...]) -> str:
    """The captured figure, for each value of these labels."""
    told = f"{remembered(reference_of(scope.rollout, scope.guardrail, reference))} {NUMBERS}"
    figure = by("max", tuple(map(told_by, labels)), told)
    for label in labels:
        figure = f'label_replace({figure}, "{label}", "$1", "{told_by(label)}", "(.*)")'
    return figure


def told_by(label: str) -> str:
    return f"{names.REFERENCE_BY}{label}"


def figures(condition: Condition, rollout: str) -> str:
    """The limit's figure: a number, or a vector of at most one sample without labels.

    It has no stage label: a promotion must not end what an alert has sustained so far.
    """
    if not condition.staged:
        return plain(condition.figures[0])
    named = [limit for limit in condition.limits if limit.stage is not None]
    by_figure: dict[str, list[str]] = {}
    for limit in named:
        if limit.figure is not None:
            by_figure.setdefault(plain(limit.figure), []).append(limit.stage or "")
    rest = [
        _rest(limit.figure, named, rollout, upper=condition.is_upper)
        for limit in condition.limits
        if limit.stage is None and limit.figure is not None
    ]
    if len(by_figure) == 1 and not rest:
        figure, stages = next(iter(by_figure.items()))
        return f"({in_stages(rollout, tuple(stages))}) * {figure}"
    parts = [f"({each_of(rollout, tuple(stages))}) * {figure}" for figure, stages in by_figure.items()]
    # Two receivers may name two stages for a moment: the tighter limit counts, and never both.
    return f"{'min' if condition.is_upper else 'max'}({' or '.join([*parts, *rest])})"


def _rest(figure: Decimal, named: list[StageLimit], rollout: str, *, upper: bool) -> str:
    """The figure outside of the named stages. If it is as loose as the loosest of theirs, the stage need not be asked."""
    fixed = f"vector({plain(figure)})"
    others = [limit.figure for limit in named if limit.figure != figure]
    if all(other is not None and (other <= figure) == upper for other in others):
        return fixed
    elsewhere = in_stages(rollout, tuple(limit.stage or "" for limit in named))
    return f"({fixed} unless on () ({elsewhere}))"


def limit(condition: Condition, scope: Scope) -> str:
    """The limit as PromQL: a number, or a vector with at most the labels on which it is joined."""
    figure = figures(condition, scope.rollout)
    if condition.reference is None:
        return figure
    operator = "+" if condition.points else "*"
    joined = f"{operator} on () group_left () ({figure})" if condition.staged else f"{operator} {figure}"
    line = f"({reference_figure(condition, scope)}) {joined}"
    return line if condition.floor is None else f"clamp_min({line}, {plain(condition.floor)})"


def reference_figure(condition: Condition, scope: Scope) -> str:
    """The reference: at most one sample for each value of the labels on which it is joined; none while it is below
    `least`.
    """
    shown = shown_reference(condition, scope)
    return shown if condition.least is None else f"({shown}) >= {plain(condition.least)}"


def shown_reference(condition: Condition, scope: Scope) -> str:
    """The reference, however low it is."""
    reference = condition.reference
    if reference is None:
        raise ValueError("a fixed limit has no reference")
    if reference.kind is ReferenceKind.before:
        return captured(scope, names.BEFORE, condition.signal.measure.labels)
    if reference.kind is ReferenceKind.stable:
        return str(of_stable(condition.signal.value, condition.signal, scope))
    if reference.kind is ReferenceKind.ago:
        return value_then(condition.signal, scope, reference.ago or timedelta())
    return " or ".join(
        f"{captured(scope, names.stage_reference(before), condition.signal.measure.labels)}"
        f" and on () ({in_stages(scope.rollout, later)})"
        for before, later in steps(reference, scope)
    )


def steps(reference: Reference, scope: Scope) -> list[tuple[str, tuple[str, ...]]]:
    """(stage whose figure was captured, the stages in which it is compared with)."""
    later: dict[str, tuple[str, ...]] = {}
    for now, before in compared_stages(reference, scope.stages, scope.arms).items():
        later[before] = (*later.get(before, ()), now)
    return [*later.items()]


def of_stable(series: Selector, signal: Signal, scope: Scope) -> Selector:
    """The same recorded series of the stable arm."""
    return series if scope.arms is None or not signal.by else series.where(scope.arms.of_stable)


def value_then(signal: Signal, scope: Scope, ago: timedelta) -> str:
    """The measure's value some time ago, from the service's own series: the guardrail may not have existed then."""
    then, how = measure_then(signal, scope), Estimated(ago)
    return value(then, (), events(then, (), how), how)


def measure_then(signal: Signal, scope: Scope) -> Measure:
    """The measure to compare with some time ago: of the stable arm, because there was no canary then.

    If versions are given at the start, nobody knows which one was stable then: it is that of all versions.
    """
    if scope.arms is None or scope.arms.told or not has_arms(signal, scope):
        return signal.measure
    return narrowed(signal.measure, scope.arms.of_stable)


def has_arms(signal: Signal, scope: Scope) -> bool:
    """Whether the signal tells the arms apart."""
    return scope.arms is not None and bool(signal.by)


def other_labels(signal: Signal, scope: Scope) -> tuple[str, ...]:
    """The labels its series are kept apart by, without the arm's."""
    return signal.by[1:] if has_arms(signal, scope) else signal.by


def fires(condition: Condition, scope: Scope) -> str:
    """A sample, with the value, for every series that is in breach."""
    compared = f"{judged_series(condition)} {_beyond(condition, scope)}"
    return "\nand ".join([compared, *enough_events(condition, scope)])


def _beyond(condition: Condition, scope: Scope) -> str:
    """What follows a value: the comparison with the limit."""
    line = _bracketed(limit(condition, scope))
    return f"{condition.op.value} {join_clause(condition, scope)}{line}"


def not_in_state(condition: Condition, scope: Scope) -> str:
    """A sample while something is not in the condition's state: none is in it, or one of several is in another."""
    label, state = condition.signal.by[-1], condition.state or ""
    return f"{fires(condition, scope)}\nor {condition.signal.value.where((label, '!=', state))} >= 1"


def judged_series(condition: Condition) -> Selector:
    value = condition.signal.value
    return value if condition.state is None else value.where((condition.signal.by[-1], "=", condition.state))


def _bracketed(expr: str) -> str:
    return expr if re.fullmatch(r"[\d.]+", expr) else f"({expr})"


def join_clause(condition: Condition, scope: Scope) -> str:
    signal, reference = condition.signal, condition.reference
    if reference is None and not condition.staged:
        return ""
    if reference is not None and reference.kind is ReferenceKind.stable:
        return f"on ({', '.join((*OWN, *other_labels(signal, scope)))}) group_left () "
    if reference is not None and reference.kind is ReferenceKind.ago:
        if isinstance(signal.measure, PromQL):  # nobody knows which labels tell its series apart
            return f"ignoring ({', '.join((*OWN, names.SIGNAL))}) "
        return f"on ({', '.join(other_labels(signal, scope))}) group_left () "
    own = () if reference is None else signal.measure.labels
    return f"on ({', '.join(own)}) group_left () "


OWN = (names.ROLLOUT, names.GUARDRAIL)
"""What all that is recorded of one guardrail has in common."""


def enough_events(condition: Condition, scope: Scope) -> list[str]:
    """What else must hold for a breach to count: enough events, here and in the reference."""
    signal, reference = condition.signal, condition.reference
    measure = signal.measure.inner
    ago = reference.ago if reference is not None else None
    if series_of_window(measure):
        return _old_enough(measure, condition, scope, ago)
    if signal.events is None or not isinstance(measure, EventMeasure):
        return []
    least = f">= {measure.min_events}"
    own = f"on ({', '.join((*OWN, *signal.by))})"
    parts = [f"{own} {_enough_or_bad(condition, f'{signal.events} {least}', own, scope)}"]
    rest = other_labels(signal, scope)
    if reference is not None and reference.kind is ReferenceKind.stable:
        parts.append(f"on ({', '.join((*OWN, *rest))}) {of_stable(signal.events, signal, scope)} {least}")
    if ago is not None:
        then = events(measure_then(signal, scope), (), Estimated(ago))
        parts.append(f"on ({', '.join(rest)}) {then} {least}")
    return parts


def _enough_or_bad(condition: Condition, enough: str, own: str, scope: Scope) -> str:
    """Enough events, or fewer with so many bad ones among them that more good ones would not fix it.

    Bad events are whole, and computed from their share: half an event is the tolerance for rounding of floats.
    """
    signal, least_bad = condition.signal, condition.least_bad
    if condition.judges_filled:
        return f"({enough} or {signal.filled} {_beyond(condition, scope)})"
    if least_bad is None:
        return enough
    share = str(signal.value) if condition.is_upper else f"(1 - {signal.value})"
    return f"({enough} or {share} * {own} {signal.events} >= {plain(least_bad - Decimal('0.5'))})"


def _old_enough(measure: Measure, condition: Condition, scope: Scope, ago: timedelta | None) -> list[str]:
    """A rate reads too low until its series is one window old: that must count neither as a drop now nor as a low reference.

    Whatever else is measured over a window is measured over a whole one back then. Now it is not: events are counted from
    zero, and what a gauge shows is judged at once.
    """
    signal, parts = condition.signal, []
    if not condition.is_upper and isinstance(measure, Rate):
        then = there_before(measure.counters, measure.window)
        parts.append(f"on ({', '.join(signal.by)}) {by('count', signal.by, then)}")
    if ago is not None:
        rest = other_labels(signal, scope)
        then = there_before(series_of_window(measure_then(signal, scope).inner), measure.width + ago)
        parts.append(f"on ({', '.join(rest)}) {by('count', rest, then)}")
    return parts


def since_start(rollout: str, during: timedelta, *, attempt: bool) -> str:
    """What follows `and`: a sample while the current stage, or the newest attempt, is younger than `during`."""
    metric = names.ATTEMPT_STARTED_METRIC if attempt else names.STAGE_ENTERED_METRIC
    began = remembered(Selector(metric, ((names.ROLLOUT, "=", rollout),)))
    return f"on () (time() - min({began}) < {plain(seconds(during))})"
