"""A guardrail of the plan → the PromQL text that says what it needs and does not have: its `blind` alert.

A guardrail at rest sees; one whose series are gone, whose histogram lost its buckets, or that has nothing to compare
with does not, and must never be taken for one that finds nothing wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import starmap

from handrail import names
from handrail.conditions import REMEMBER, Place, back_then, in_stages, of_stable, reference_of, steps
from handrail.plan import (
    Condition,
    Free,
    Measure,
    Only,
    Quantile,
    ReferenceKind,
    Selector,
    Signal,
    Slow,
    narrowed,
)
from handrail.promql import watched
from handrail.units import span

Missing = tuple[str, str, str]
"""The reason, an expression that has a sample for it, and while which other one has a sample (may be empty)."""


def cannot_see(
    signals: tuple[Signal, ...], conditions: tuple[Condition, ...], place: Place, *, timed: bool
) -> str:
    """A sample with a `reason` for everything the guardrail needs and does not have.

    `timed` says that a tier counts only for some time after a stage began.
    """
    running = place.running if place.arm is not None else ""
    relative = [condition for condition in conditions if condition.reference is not None]
    found = [
        *_series(signals, running),
        *_captured(relative, place),
        *_stable(signals, relative, place),
        *_past(relative, place, running),
        *_stage(conditions, relative, place, timed=timed),
    ]
    return "\nor ".join(starmap(_because, found))


def _because(reason: str, lost: str, during: str) -> str:
    gate = f" and on () ({during})" if during else ""
    return f'label_replace(count({lost}){gate}, "reason", "{reason}", "", "")'


def _series(signals: tuple[Signal, ...], running: str) -> Iterator[Missing]:
    missing: dict[tuple[str, bool], str] = {}
    for signal in signals:
        for series, expr in _watched(signal).items():
            missing.setdefault((series, expr == series), f"absent({expr})")
    if missing:
        yield "its metrics are missing", " or ".join(missing.values()), running
    lost = [_bucketless(signal.traffic, signal.value) for signal in signals if _has_buckets(signal)]
    if lost:
        yield "its buckets are missing", " or ".join(lost), running


def _watched(signal: Signal) -> dict[str, str]:
    if isinstance(signal.measure, Free):
        return {signal.measure.expr: str(signal.value)}
    return watched(_of_its_arm(signal), signal.by, signal.traffic or signal.value)


def _of_its_arm(signal: Signal) -> Measure:
    """What is bound to a condition is looked at in its own series: those of the judged arm, and no other's."""
    arm = [matcher for matcher in signal.value.matchers if matcher[0] in signal.by[:1]]
    return narrowed(signal.measure, *arm) if isinstance(signal.measure, Only) else signal.measure


def _has_buckets(signal: Signal) -> bool:
    return isinstance(signal.measure, Quantile | Slow)


def _bucketless(traffic: Selector | None, value: Selector) -> str:
    """Events are counted and the value is not there: so are not the buckets that it is read from."""
    return f"({traffic} > 0 unless {value})"


def _captured(relative: list[Condition], place: Place) -> Iterator[Missing]:
    references = [condition.reference for condition in relative if condition.reference is not None]
    if any(reference.kind is ReferenceKind.before for reference in references):
        lost = _forgotten(reference_of(place.rollout, place.guardrail, names.BEFORE))
        yield "the figure from before the rollout is missing", lost, place.running
    earlier = {
        pair
        for reference in references
        if reference.kind is ReferenceKind.previous_stage
        for pair in steps(reference, place)
    }
    for before, stages in sorted(earlier):
        lost = _forgotten(reference_of(place.rollout, place.guardrail, names.stage_reference(before)))
        yield f"the figure of stage {before} is missing", lost, in_stages(place.rollout, stages)


def _forgotten(told: Selector) -> str:
    """The receiver has not said it for longer than it is believed."""
    return f"absent_over_time({told}[{span(REMEMBER)}])"


def _stable(signals: tuple[Signal, ...], relative: list[Condition], place: Place) -> Iterator[Missing]:
    kinds = {condition.reference.kind for condition in relative if condition.reference is not None}
    if ReferenceKind.stable not in kinds:
        return
    apart = [signal for signal in signals if signal.by]
    lost = [f"absent({expr})" for signal in apart for expr in _watched(_stable_side(signal, place)).values()]
    lost += [
        _bucketless(of_stable(signal.traffic, signal, place), of_stable(signal.value, signal, place))
        for signal in apart
        if signal.traffic is not None and _has_buckets(signal)
    ]
    yield "the stable arm's metrics are missing", " or ".join(lost), place.compared


def _stable_side(signal: Signal, place: Place) -> Signal:
    traffic = None if signal.traffic is None else of_stable(signal.traffic, signal, place)
    return replace(signal, value=of_stable(signal.value, signal, place), traffic=traffic)


def _past(relative: list[Condition], place: Place, running: str) -> Iterator[Missing]:
    past = {
        (f"there is no history of {span(condition.reference.ago)}", _lost_then(condition, place), running)
        for condition in relative
        if condition.reference is not None and condition.reference.ago is not None
    }
    yield from sorted(past)


def _lost_then(condition: Condition, place: Place) -> str:
    """At rest there was traffic of 0, and bound to a condition there was at least the guardrail itself."""
    signal, ago = condition.signal, condition.reference.ago if condition.reference else None
    series = signal.traffic or signal.value
    if signal.traffic is None and isinstance(signal.measure, Only):
        own = ((names.ROLLOUT, "=", place.rollout), (names.GUARDRAIL, "=", place.guardrail))
        return f"absent({Selector(names.INFO, own)} offset {span(ago)})" if ago else ""
    return f"absent({back_then(series, signal, place)} offset {span(ago)})" if ago else ""


def _stage(
    conditions: tuple[Condition, ...], relative: list[Condition], place: Place, *, timed: bool
) -> Iterator[Missing]:
    told = any(c.reference is not None and c.reference.kind is not ReferenceKind.ago for c in relative)
    if timed or place.arm is not None or told or any(condition.staged for condition in conditions):
        stages = Selector(names.STAGE_METRIC, ((names.ROLLOUT, "=", place.rollout),))
        yield "nobody reports the stage", _forgotten(stages), ""
