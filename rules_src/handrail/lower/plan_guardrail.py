"""A declared guardrail → the plan's: signals, alerts by tier, `blind`, success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from handrail import plan
from handrail.base import where_of
from handrail.contract import names
from handrail.declare import guardrail as declared
from handrail.declare.limits import Changed, Is, Limit
from handrail.lower.alert_labels import alert_labels
from handrail.lower.frame import Frame, lower_arms
from handrail.lower.plan_conditions import lower_condition
from handrail.lower.plan_signals import lower_signals
from handrail.promql import blindness, comparisons
from handrail.report.wording import literal, reason, words
from handrail.units import Unit

ACTING_KEEPS = timedelta(minutes=10)


def lower_guardrail(given: declared.Guardrail, frame: Frame) -> plan.Guardrail:
    """Everything the targets need to know about one guardrail."""
    signals = lower_signals(given, frame)
    place, arms = frame.place(given), lower_arms(frame.arms_of(given))
    tiers: _Tiers = [(tier, _tier_conditions(given, tier, signals, frame)) for tier in given.tiers]
    if given.order == "tighten":
        tiers = _tightened(tiers, frame)
    alerts = tuple(_alert(given, tier, found, frame) for tier, found in tiers)
    success = tuple(_success(given, limit, signals[""], frame) for limit in given.successes)
    used = tuple(c for _, found in tiers for c in found) + tuple(criterion.condition for criterion in success)
    return plan.Guardrail(
        name=given.name,
        title=given.title or given.name,
        arms=arms,
        alert_labels=alert_labels(signals.values(), arms),
        signals=tuple(signals.values()),
        info=_info(given, frame, signals[""]),
        alerts=alerts,
        blind=_blind(given, tuple(signals.values()), used, place, frame),
        success=success,
        shadow=given.mode == names.SHADOW,
        runbook=lower_runbook(given.runbook),
        where=where_of(given),
    )


def _tier_conditions(
    given: declared.Guardrail, tier: declared.Tier, signals: dict[str, plan.Signal], frame: Frame
) -> tuple[plan.Condition, ...]:
    scale = frame.context.scale
    main = signals["changes" if isinstance(tier.limit, Changed) else ""]
    first = lower_condition(main, tier.limit, given.against, scale)
    rest = (lower_condition(signals[other.name], other.limit, other.against, scale) for other in tier.or_)
    return (first, *rest)


_Tiers = list[tuple[declared.Tier, tuple[plan.Condition, ...]]]


def _tightened(tiers: _Tiers, frame: Frame) -> _Tiers:
    """In every stage, no tier is looser than one that is graver than it."""
    done: _Tiers = []
    stages = [stage.name for stage in frame.stages]
    graver: list[plan.Condition] = []
    for tier, found in reversed(tiers):
        first = found[0]
        for other in graver:
            first = _no_looser(first, other, stages)
        graver.append(first)
        done.append((tier, (first, *found[1:])))
    return done[::-1]


def _no_looser(condition: plan.Condition, graver: plan.Condition, stages: Sequence[str]) -> plan.Condition:
    if not _same_kind(condition, graver) or not (condition.staged or graver.staged):
        return condition
    tight = min if condition.is_upper else max
    limits = []
    for stage in stages:
        own, other = condition.figure_in(stage), graver.figure_in(stage)
        figures = [figure for figure in (own, other) if figure is not None]
        # A stage that has no limit of this tier's keeps having none, whatever holds otherwise.
        limits.append(plan.StageLimit(stage, None if own is None else tight(figures)))
    outside = condition.figure_in(None)
    rest = () if outside is None else (plan.StageLimit(None, outside),)
    return replace(condition, limits=(*limits, *rest))


def _same_kind(one: plan.Condition, other: plan.Condition) -> bool:
    """Whether the figures of both are of one thing: of two it can be said which is the tighter."""
    figures = one.reference == other.reference and one.points == other.points
    return figures and one.signal == other.signal and one.is_upper == other.is_upper and not one.state


def _alert(
    given: declared.Guardrail, tier: declared.Tier, found: tuple[plan.Condition, ...], frame: Frame
) -> plan.Alert:
    scale = frame.context.scale
    place = frame.place(given)
    keep = scale.maybe(tier.keep_firing_for)
    if keep is None:
        keep = scale.time(ACTING_KEEPS) if tier.action in names.ACTING else timedelta()
    during = scale.maybe(tier.during)
    return plan.Alert(
        name=names.alert_name(frame.rollout.name, given.name, tier.tier),
        tier=tier.tier,
        severity=frame.severity(tier.tier, tier.severity),
        action=tier.action,
        expr=_any_of(found, place, during),
        hold=scale.duration(tier.hold),
        keep_firing_for=keep,
        labels=frame.labels(
            given.name, tier.tier, frame.severity(tier.tier, tier.severity), tier.action, given.mode
        ),
        summary=f"{_title(given)} of {frame.rollout.name}: {tier.tier}, {tier.action}",
        description=_description(given, tier, found),
        conditions=found,
        during=during,
        note=tier.note,
        where=where_of(tier),
    )


def _any_of(found: tuple[plan.Condition, ...], place: comparisons.Place, during: timedelta | None) -> str:
    reasons = [comparisons.fires(condition, place) for condition in found]
    expr = reasons[0] if len(reasons) == 1 else "\nor ".join(f"({reason})" for reason in reasons)
    if during is None:
        return expr
    return f"({expr})\nand {comparisons.since_start(place.rollout, during)}"


_VALUE_TEXT = {
    Unit.ratio: "{{ $value | humanizePercentage }}",
    Unit.seconds: "{{ $value | humanizeDuration }}",
    Unit.bytes: "{{ $value | humanize }}B",
    Unit.per_second: "{{ $value | humanize }}/s",
    Unit.number: "{{ $value | humanize }}",
}


def _title(given: declared.Guardrail) -> str:
    return literal(given.title or given.name)


def _description(given: declared.Guardrail, tier: declared.Tier, found: tuple[plan.Condition, ...]) -> str:
    limits = literal(", or ".join(map(reason, found)))
    units = {condition.signal.unit for condition in found}
    shown = _VALUE_TEXT[units.pop()] if len(units) == 1 else "{{ $value | humanize }}"
    note = f" {literal(tier.note)}" if tier.note else ""
    return f"{_title(given)} is at {shown}; the {tier.tier} limit is {limits}.{note}"


def _blind(
    given: declared.Guardrail,
    signals: tuple[plan.Signal, ...],
    used: tuple[plan.Condition, ...],
    place: comparisons.Place,
    frame: Frame,
) -> plan.Alert:
    acting = any(tier.action in names.ACTING for tier in given.tiers)
    timed = any(tier.during is not None for tier in given.tiers)
    severity = frame.severity("critical" if acting else "warning")
    return plan.Alert(
        name=names.alert_name(frame.rollout.name, given.name, names.BLIND),
        tier=names.BLIND,
        severity=severity,
        action="hold",
        expr=blindness.cannot_see(signals, used, place, timed=timed),
        hold=frame.context.scale.duration(given.blind_after),
        keep_firing_for=timedelta(),
        labels=frame.labels(given.name, names.BLIND, severity, "hold", given.mode),
        summary=f"{_title(given)} of {frame.rollout.name}: blind, hold",
        description=f"{_title(given)} cannot be judged: {{{{ $labels.reason }}}}. This is no pass: hold.",
        conditions=(),
        during=None,
        note=None,
        where=where_of(given),
    )


def _success(given: declared.Guardrail, limit: Limit, main: plan.Signal, frame: Frame) -> plan.Success:
    named = lower_condition(main, limit, given.against, frame.context.scale)
    forbidden = limit.relative  # a rise or a drop names what must not happen
    failing = named if forbidden else replace(named, op=named.op.opposite)
    breached = comparisons.not_only if isinstance(limit, Is) else comparisons.fires
    return plan.Success(
        condition=failing,
        text=f"not {words(named)}" if forbidden else words(named),
        breach=breached(failing, frame.place(given)),
        seen=comparisons.seen(failing, frame.place(given)),
    )


def _info(given: declared.Guardrail, frame: Frame, main: plan.Signal) -> plan.Recording:
    labels = (
        (names.ROLLOUT, frame.rollout.name),
        (names.GUARDRAIL, given.name),
        (names.SERVICE, frame.rollout.service),
        ("unit", main.unit.value),
        (names.MODE, given.mode),
    )
    return plan.Recording(names.INFO, "vector(1)", labels)


def lower_runbook(given: declared.Runbook | None) -> plan.Runbook:
    """The runbook, empty where none was written (a lint asks for it)."""
    if given is None:
        return plan.Runbook("", (), ())
    return plan.Runbook(given.impact, tuple(given.look), tuple(given.mend))
