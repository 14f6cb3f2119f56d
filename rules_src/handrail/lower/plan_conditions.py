"""A declared limit on a signal → the plan's condition, and the limit in words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from handrail import plan
from handrail.declare import limits as declared
from handrail.declare.limits import ByStage, Limit, Reference
from handrail.lower.scale import Scale
from handrail.promql.judgeable import never_negative
from handrail.units import Amount, amount

FIXED = {
    declared.Above: plan.Op.above,
    declared.AtLeast: plan.Op.at_least,
    declared.Below: plan.Op.below,
    declared.AtMost: plan.Op.at_most,
}
_RELATIVE = {
    declared.Rise: plan.Op.above,
    declared.RisePoints: plan.Op.above,
    declared.Drop: plan.Op.below,
    declared.DropPoints: plan.Op.below,
}


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
        return plan.Condition(signal, FIXED[type(limit)], _by_stage(limit.at) + rest)
    points = isinstance(limit, declared.RisePoints | declared.DropPoints)
    op = _RELATIVE[type(limit)]
    floor = _figure(limit.floor) if isinstance(limit, declared.Rise) else None
    least = _least(signal, limit)
    steps = tuple(
        plan.StageLimit(step.stage, _beside(step.figure, op, points=points)) for step in _by_stage(limit.by)
    )
    if isinstance(against, declared.Fixed):
        base = amount(against.figure).value
        relative = plan.Condition(signal, op, steps, points=points, floor=floor)
        fixed = (
            step
            if step.figure is None
            else plan.StageLimit(step.stage, relative.limit_from(base, step.figure))
            for step in steps
        )
        return plan.Condition(signal, op, tuple(fixed))
    reference = lower_reference(against, signal, scale)
    return plan.Condition(signal, op, steps, reference, points=points, floor=floor, least=least)


def _figure(written: Amount | None) -> Decimal | None:
    return None if written is None else amount(written).value


def _least(signal: plan.Signal, limit: Limit) -> Decimal | None:
    """The least reference that is compared with: a share of one below 0 lies on its wrong side, and everything is a rise."""
    if isinstance(limit, declared.Drop):
        return _figure(limit.least)
    share = isinstance(limit, declared.Rise) and limit.floor is None
    return Decimal(0) if share and not never_negative(signal.measure) else None


def lower_reference(against: Reference | None, signal: plan.Signal, scale: Scale) -> plan.Reference:
    """What a relative limit is relative to."""
    match against:
        case declared.BeforeRollout(over):
            return plan.Reference(plan.ReferenceKind.before, over=scale.maybe(over))
        case declared.StableArm():
            return plan.Reference(plan.ReferenceKind.stable)
        case declared.PreviousStage(stage):
            return plan.Reference(plan.ReferenceKind.previous_stage, stage=stage)
        case declared.Ago(time):
            return plan.Reference(plan.ReferenceKind.ago, scale.duration(time))
        case declared.Fixed() | None:
            raise TypeError(f"{signal.name or 'the measure'} has a relative limit and no reference")


def _beside(figure: Decimal | None, op: plan.Op, *, points: bool) -> Decimal | None:
    """The offset to add to the reference, or the factor to multiply it by."""
    if figure is None:
        return None
    signed = figure if op.is_upper else -figure
    return signed if points else 1 + signed


def _by_stage(written: ByStage) -> tuple[plan.StageLimit, ...]:
    if isinstance(written, Mapping):
        return tuple(
            plan.StageLimit(stage, None if figure is None else amount(figure).value)
            for stage, figure in written.items()
        )
    return (plan.StageLimit(None, amount(written).value),)
