"""A declared limit on a signal → the plan's condition, and the limit in words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from handrail import plan
from handrail.declare import limits as declared
from handrail.declare.limits import ByStage, Limit, Reference
from handrail.lower.scale import Scale
from handrail.units import Unit, amount, plain, show, span

_FIXED = {
    declared.Above: plan.Op.above,
    declared.AtLeast: plan.Op.at_least,
    declared.Below: plan.Op.below,
    declared.AtMost: plan.Op.at_most,
}
_RELATIVE = {declared.Rise: plan.Op.above, declared.RisePoints: plan.Op.above, declared.Drop: plan.Op.below}


def lower_condition(
    signal: plan.Signal, limit: Limit, against: Reference | None, scale: Scale
) -> plan.Condition:
    """The condition; a relative limit against a fixed figure is computed here and becomes a fixed limit."""
    if isinstance(limit, declared.Is):
        return plan.Condition(
            signal, plan.Op.at_least, (plan.StageLimit(None, Decimal(1)),), state=limit.state
        )
    if isinstance(limit, declared.Changed):
        return plan.Condition(signal, plan.Op.above, (plan.StageLimit(None, Decimal(0)),))
    if isinstance(limit, declared.Above | declared.AtLeast | declared.Below | declared.AtMost):
        rest = () if limit.otherwise is None else (plan.StageLimit(None, amount(limit.otherwise).value),)
        return plan.Condition(signal, _FIXED[type(limit)], _by_stage(limit.at) + rest)
    points = isinstance(limit, declared.RisePoints)
    steps = tuple(
        plan.StageLimit(step.stage, step.figure if points else _factor(limit, step.figure))
        for step in _by_stage(limit.by)
    )
    op = _RELATIVE[type(limit)]
    if isinstance(against, declared.Fixed):
        base = amount(against.figure).value
        fixed = tuple(
            plan.StageLimit(step.stage, base + step.figure if points else base * step.figure)
            for step in steps
        )
        return plan.Condition(signal, op, fixed)
    return plan.Condition(signal, op, steps, lower_reference(against, signal, scale), points=points)


def lower_reference(against: Reference | None, signal: plan.Signal, scale: Scale) -> plan.Reference:
    """What a relative limit is relative to."""
    match against:
        case declared.BeforeRollout():
            return plan.Reference(plan.ReferenceKind.before)
        case declared.StableArm():
            return plan.Reference(plan.ReferenceKind.stable)
        case declared.PreviousStage(stage):
            return plan.Reference(plan.ReferenceKind.previous_stage, stage=stage)
        case declared.Ago(time):
            return plan.Reference(plan.ReferenceKind.ago, scale.duration(time))
        case _:
            raise TypeError(f"{signal.name or 'the measure'} has a relative limit and no reference")


def _factor(limit: declared.Rise | declared.RisePoints | declared.Drop, share: Decimal) -> Decimal:
    return 1 - share if isinstance(limit, declared.Drop) else 1 + share


def _by_stage(given: ByStage) -> tuple[plan.StageLimit, ...]:
    if isinstance(given, Mapping):
        return tuple(plan.StageLimit(stage, amount(figure).value) for stage, figure in given.items())
    return (plan.StageLimit(None, amount(given).value),)


_REFERENCE_WORDS = {
    plan.ReferenceKind.before: "the figure from before the rollout",
    plan.ReferenceKind.stable: "the stable arm",
    plan.ReferenceKind.previous_stage: "the stage before",
}
_OP_WORDS = {
    plan.Op.above: "above",
    plan.Op.at_least: "at or above",
    plan.Op.below: "below",
    plan.Op.at_most: "at or below",
}


def words(condition: plan.Condition) -> str:
    """The condition for people: `above 1 %`, `above 1 % in stage 10%, 0.5 % in stage 25%`."""
    if condition.state is not None:
        return f"in state {condition.state}"
    if isinstance(condition.signal.measure, plan.StateChanges):
        return "changing"
    figures = ", ".join(_figure_words(condition, limit) for limit in condition.limits)
    return f"{_OP_WORDS[condition.op]} {figures}"


def _figure_words(condition: plan.Condition, limit: plan.StageLimit) -> str:
    if condition.reference is None:
        text = show(limit.figure, condition.signal.unit)
    elif condition.points:
        unit = "points" if condition.signal.unit is Unit.ratio else ""
        shown = plain(limit.figure * 100) if unit else show(limit.figure, condition.signal.unit)
        text = f"{reference_words(condition.reference)} plus {shown} {unit}".rstrip()
    else:
        text = f"{plain(limit.figure * 100)} % of {reference_words(condition.reference)}"
    staged = (
        f" in stage {limit.stage}" if limit.stage is not None else (" otherwise" if condition.staged else "")
    )
    return text + staged


def reference_words(reference: plan.Reference) -> str:
    """The reference for people."""
    if reference.ago is not None:
        return f"the figure of {span(reference.ago)} ago"
    return f"stage {reference.stage}" if reference.stage else _REFERENCE_WORDS[reference.kind]
