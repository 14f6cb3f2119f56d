"""A guardrail or an objective of the plan → the labels that tell the alerts of one of its tiers apart."""

from __future__ import annotations

from handrail import plan
from handrail.contract import names
from handrail.promql.result_labels import result_labels

Chain = plan.Guardrail | plan.Slo


def told_apart(chain: Chain) -> tuple[str, ...] | None:
    """Those labels, in the order of the declaration; None where an expression of somebody's own decides."""
    if isinstance(chain, plan.Slo):
        return ()
    found: dict[str, None] = {}
    for signal in chain.signals:
        labels = _labels(signal.measure, signal.by)
        if labels is None:
            return None
        found |= dict.fromkeys(labels)
    arm = chain.arms.label if chain.arms is not None else ""  # it is the canary that fires
    return tuple(label for label in found if label != arm)


def _labels(measure: plan.Measure, by: tuple[str, ...]) -> tuple[str, ...] | None:
    if isinstance(measure, plan.While):
        return _labels(measure.measure, by)
    if not isinstance(measure, plan.PromQL):
        return by
    left = result_labels(measure.expr)
    return None if left is None else tuple(sorted(left - {*names.OURS}))
