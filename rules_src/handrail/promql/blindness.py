"""A guardrail of the plan → the PromQL of its `blind` alert: what it needs and does not have.

A quiet guardrail can see. One whose series are gone, whose histogram lost its buckets, or that has nothing to compare
with is blind, and must never be mistaken for one that finds nothing wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from handrail.contract import names
from handrail.plan import (
    Absence,
    Condition,
    EventMeasure,
    Latency,
    Measure,
    PromQL,
    Ratio,
    ReferenceKind,
    Selector,
    Signal,
    Silence,
    SlowerThan,
    While,
    narrowed,
)
from handrail.promql.aggregated import NUMBERS
from handrail.promql.arm_versions import of_arm, versions_of
from handrail.promql.comparisons import (
    OWN,
    AnyStage,
    NoStage,
    Scope,
    Stages,
    TheseStages,
    captured,
    has_arms,
    in_any_stage,
    in_stages,
    measure_then,
    of_stable,
    other_labels,
    reference_of,
    steps,
)
from handrail.promql.judgeable import reference_too_low
from handrail.promql.presence import (
    no_numbers,
    present,
    series_of_window,
    there_before,
    unpaired,
    watched,
)
from handrail.promql.remembered import REMEMBER, SEEN_FOR, remembered
from handrail.promql.values import holds
from handrail.promql.windows import Estimated
from handrail.units import span

Missing = tuple[str, str, Stages]
"""The reason, an expression that has a sample for it, and in which stages it is one."""


def cannot_see(
    signals: tuple[Signal, ...], conditions: tuple[Condition, ...], scope: Scope, *, timed: Collection[str]
) -> str:
    """A sample with a `reason` for everything the guardrail needs and does not have.

    `timed` says that a tier counts only for some time after a stage, or after the attempt, began.
    """
    relative = [condition for condition in conditions if condition.reference is not None]
    missing = [
        *_versions(signals, scope),
        *_if_known(_series(signals, scope), signals, scope),
        *_silent(signals, scope),
        *_captured(relative, scope),
        *_if_known(_stable(signals, relative, scope), signals, scope),
        *_past(relative, scope),
        *_too_low(relative, scope),
        *_stage(conditions, relative, scope, timed=timed),
    ]
    because: dict[Stages, list[str]] = {}
    for reason, lost, during in missing:
        if not isinstance(during, NoStage):
            because.setdefault(during, []).append(
                f'label_replace(count({lost}), "reason", "{reason}", "", "")'
            )
    return "\nor ".join(_gated(lines, during, scope.rollout) for during, lines in because.items())


def once_seen(missing: str, seen: Selector) -> str:
    """The same for an optional guardrail, once a metric of it was `seen`."""
    return f"(\n{missing}\n)\nand on () {seen}"


def ever_seen(series: Iterable[Selector], seen: Selector) -> str:
    """A sample from the moment on at which one of these series existed: the recorded series keeps itself."""
    there = " or ".join(map(str, dict.fromkeys(series)))
    return f"group({there} or last_over_time({seen}[{span(SEEN_FOR)}]))"


def too_thin(signals: tuple[Signal, ...], scope: Scope) -> str:
    """A sample (the number of events) while there are events, but too few to judge; if there are stages, only in an
    attempt.

    Of several values of a label one with enough events is enough. Empty if no measure needs a number of events.
    """
    few = [
        f"(max({signal.events}{_while(signal)}) > 0 < {signal.measure.inner.min_events})"
        for signal in signals
        if signal.events is not None and isinstance(signal.measure.inner, EventMeasure)
    ]
    if not few:
        return ""
    either = few[0].removeprefix("(").removesuffix(")") if len(few) == 1 else "(" + " or ".join(few) + ")"
    if not scope.stages:
        return either
    return f"{either}\nand on () ({in_any_stage(scope.rollout)})"


def _gated(lines: list[str], during: Stages, rollout: str) -> str:
    """These reasons while the rollout is in one of its stages; the stage is queried once for all of them."""
    if not isinstance(during, TheseStages):
        return "\nor ".join(lines)
    whole = lines[0] if len(lines) == 1 else "(\n  " + "\n  or ".join(lines) + "\n)"
    return f"{whole} and on () ({in_stages(rollout, during.names)})"


def _if_known(missing: Iterator[Missing], signals: tuple[Signal, ...], scope: Scope) -> Iterator[Missing]:
    """These reasons, only while it is known which versions the arms are."""
    canary = _told_canary(signals, scope)
    for reason, lost, during in missing:
        yield reason, lost if canary is None else f"({lost}) and on () {canary}", during


def _versions(signals: tuple[Signal, ...], scope: Scope) -> Iterator[Missing]:
    canary = _told_canary(signals, scope)
    if canary is not None:
        yield "nobody reports the versions of its arms", f"absent({canary})", scope.running


def _told_canary(signals: tuple[Signal, ...], scope: Scope) -> Selector | None:
    """The recorded series of the canary's version, if versions are given at the start."""
    arms = scope.arms
    if arms is None or not arms.told or all(isinstance(one.measure, PromQL) for one in signals):
        return None
    return versions_of(scope.rollout, scope.guardrail, arms.label, arms.of_canary).series


def _series(signals: tuple[Signal, ...], scope: Scope) -> Iterator[Missing]:
    missing: dict[tuple[str, bool], str] = {}
    for signal in signals:
        for series, expr in _watched(signal, scope).items():
            missing.setdefault((series, expr == series), f"absent({expr})")
        for expr in unpaired(_of_its_arm(signal), signal.arm_labels):
            missing.setdefault((expr, False), _of_told_arm(expr, signal, scope))
    if missing:
        lost = " or ".join(missing.values())
        stopped = " or ".join(
            one.lost for one in _silences(signals)
        )  # nothing is recorded then: that is the reason
        yield (
            "its metrics are missing",
            f"({lost}) unless on () ({stopped})" if stopped else lost,
            scope.running,
        )
    bare = [expr for signal in signals for expr in _without_buckets(signal, signal.events, signal.value)]
    if bare:
        yield "its buckets are missing", " or ".join(bare), scope.running
    odd = [expr for signal in signals for expr in _no_numbers(signal, scope, signal.events, signal.value)]
    if odd:
        yield "its values are no numbers", " or ".join(dict.fromkeys(odd)), scope.running


def _silent(signals: tuple[Signal, ...], scope: Scope) -> Iterator[Missing]:
    """A reason for each source that stopped while its figures stay."""
    for reason, lost in by_reason(_silences(signals)).items():
        yield reason, lost, scope.running


def by_reason(stopped: Iterable[Silence]) -> dict[str, str]:
    """Each reason with an expression that has a sample while any source stopped for it."""
    lost_by: dict[str, list[str]] = {}
    for silence in stopped:
        lost_by.setdefault(silence.reason, []).append(silence.lost)
    return {reason: " or ".join(lost) for reason, lost in lost_by.items()}


def _silences(signals: tuple[Signal, ...]) -> tuple[Silence, ...]:
    return tuple(dict.fromkeys(one for signal in signals for one in signal.silences))


def _watched(signal: Signal, scope: Scope) -> dict[str, str]:
    recorded = signal.traffic or signal.value
    expressions = watched(_of_its_arm(signal), signal.by, recorded)
    return {
        series: expr if expr == str(recorded) else _of_told_arm(expr, signal, scope)
        for series, expr in expressions.items()
    }


def _of_told_arm(expr: str, signal: Signal, scope: Scope) -> str:
    """The service's own series of the judged arm, if versions are given at the start."""
    if scope.arms is None or not scope.arms.told or not has_arms(signal, scope):
        return expr
    own = [matcher for matcher in signal.value.matchers if matcher[0] == names.ARM]
    return of_arm(expr, versions_of(scope.rollout, scope.guardrail, scope.arms.label, *own))


def _of_its_arm(signal: Signal) -> Measure:
    """The measure, reduced to the judged arm's own series."""
    arm = [matcher for matcher in signal.value.matchers if matcher[0] in signal.by[:1]]
    return signal.measure if isinstance(signal.measure, Absence) else narrowed(signal.measure, *arm)


def _without_buckets(signal: Signal, events: Selector | None, value: Selector) -> Iterator[str]:
    """Samples while events are counted and there is no value: the buckets that it is read from are missing."""
    if events is not None and isinstance(signal.measure.inner, Latency | SlowerThan):
        yield f"({events} > 0{_while(signal)} unless {value})"


def _while(signal: Signal) -> str:
    """What follows `and`: samples while the condition of the measure holds, without which the others say nothing."""
    measure = signal.measure
    if not isinstance(measure, While):
        return ""
    labels = ", ".join((*signal.arm_labels, *measure.shared))
    return f" and on ({labels}) ({holds(measure, signal.arm_labels)})"


def _no_numbers(signal: Signal, scope: Scope, events: Selector | None, value: Selector) -> Iterator[str]:
    """Samples while one of the series is not a number (then there is no count of events, not one of 0 or less), or the
    share is impossible.
    """
    measure = signal.measure.inner
    if isinstance(measure, Ratio) and events is not None:
        yield f"({events}{_while(signal)} unless {events} <= 0 unless {value})"
    elif isinstance(measure, Latency | SlowerThan) and events is not None:
        yield f"({events} unless {events} < Inf)"
    side = replace(signal, value=value)
    yield from (f"({_of_told_arm(expr, side, scope)})" for expr in no_numbers(_of_its_arm(side)))


def _captured(relative: list[Condition], scope: Scope) -> Iterator[Missing]:
    references = [condition.reference for condition in relative if condition.reference is not None]
    if any(reference.kind is ReferenceKind.before for reference in references):
        lost = _not_captured(names.BEFORE, relative[0].signal, scope)
        yield "the figure from before the rollout is missing", lost, scope.begun
    earlier = {
        pair
        for reference in references
        if reference.kind is ReferenceKind.previous_stage
        for pair in steps(reference, scope)
    }
    for before, stages in sorted(earlier):
        lost = _not_captured(names.stage_reference(before), relative[0].signal, scope)
        yield f"the figure of stage {before} is missing", lost, TheseStages(stages)


def _not_captured(reference: str, signal: Signal, scope: Scope) -> str:
    """A sample while the receiver has not reported this figure for longer than `REMEMBER`, or none of what is judged."""
    told, labels = reference_of(scope.rollout, scope.guardrail, reference), signal.measure.labels
    unlike = _unlike(signal, labels, captured(scope, reference, labels))
    return " or ".join([f"absent({remembered(told)} {NUMBERS})", *unlike])


def _stable(signals: tuple[Signal, ...], relative: list[Condition], scope: Scope) -> Iterator[Missing]:
    beside = [one for one in relative if one.reference and one.reference.kind is ReferenceKind.stable]
    if not beside:
        return
    lost = []
    for signal in signals:
        if not has_arms(signal, scope):
            continue
        other = _stable_side(signal, scope)
        lost += [f"absent({expr})" for expr in _watched(other, scope).values()]
        lost += _without_buckets(other, other.events, other.value)
        lost += _no_numbers(other, scope, other.events, other.value)
        if any(condition.signal == signal for condition in beside):
            on = (*OWN, *other_labels(signal, scope))
            lost += _unlike(signal, on, str(other.traffic or other.value))
    yield "the stable arm's metrics are missing", " or ".join(dict.fromkeys(lost)), scope.compared


def _stable_side(signal: Signal, scope: Scope) -> Signal:
    def side(series: Selector | None) -> Selector | None:
        return None if series is None else of_stable(series, signal, scope)

    return replace(
        signal,
        value=of_stable(signal.value, signal, scope),
        events=side(signal.events),
        traffic=side(signal.traffic),
    )


def _past(relative: list[Condition], scope: Scope) -> Iterator[Missing]:
    past = {
        (f"there is no history of {span(condition.reference.ago)}", _no_history(condition, scope))
        for condition in relative
        if condition.reference is not None and condition.reference.ago is not None
    }
    yield from ((reason, lost, scope.running) for reason, lost in sorted(past))


def _no_history(condition: Condition, scope: Scope) -> str:
    """A sample while the service's own series have no data from back then, or none that it is like now.

    A measure with a window needs a whole window back then. It is not blind if there were no or few events back then; it
    is if its condition did not hold back then, because the figure is not known.
    """
    signal, measure = condition.signal, measure_then(condition.signal, scope)
    ago = condition.reference.ago if condition.reference else None
    then, on = present(measure, (), ago), other_labels(signal, scope)
    lost = [f"absent({then})", *_unlike(signal, on, then)]
    windowed = series_of_window(measure.inner)
    if ago is not None and windowed:
        lost.append(f"absent({there_before(windowed, measure.width + ago)})")
    if isinstance(measure, While):
        shared = ", ".join(measure.shared)
        held = f"on ({shared}) ({holds(measure, (), Estimated(ago))})"
        lost.append(f"({signal.value} unless on () ({signal.value} and {held}))")
    return " or ".join(lost)


def _too_low(relative: list[Condition], scope: Scope) -> Iterator[Missing]:
    by: dict[str, dict[str, None]] = {}
    for condition in relative:
        low = reference_too_low(condition, scope)
        if low is not None:
            reason, lost = low
            by.setdefault(reason, {})[f"({lost})"] = None
    for reason, each in by.items():
        yield reason, " or ".join(each), scope.running


def _unlike(signal: Signal, on: tuple[str, ...], other: str) -> Iterator[str]:
    """Samples while there are figures to compare with, but none with the labels of what is judged."""
    if signal.measure.labels:
        recorded = signal.traffic or signal.value
        yield f"({recorded} unless on () ({recorded} and on ({', '.join(on)}) {other}))"


def _stage(
    conditions: tuple[Condition, ...], relative: list[Condition], scope: Scope, *, timed: Collection[str]
) -> Iterator[Missing]:
    if not scope.stages:
        return
    told = any(c.reference is not None and c.reference.kind is not ReferenceKind.ago for c in relative)
    if timed or scope.arms is not None or told or any(condition.staged for condition in conditions):
        stages = Selector(names.STAGE_METRIC, ((names.ROLLOUT, "=", scope.rollout),))
        yield "nobody reports the stage", f"absent_over_time({stages}[{span(REMEMBER)}])", AnyStage()
    if "attempt" in timed:
        began = Selector(names.ATTEMPT_STARTED_METRIC, ((names.ROLLOUT, "=", scope.rollout),))
        lost = f"absent_over_time({began}[{span(REMEMBER)}])"
        yield "nobody reports when the attempt began", lost, AnyStage()
