"""The signals of a guardrail → the labels by which the alerts of one tier differ."""

from __future__ import annotations

from collections.abc import Iterable

from handrail import plan
from handrail.contract import names
from handrail.promql.result_labels import result_labels


def alert_labels(signals: Iterable[plan.Signal], arms: plan.Arms | None) -> tuple[str, ...] | None:
    """The labels, in declared order; None if a user's own expression decides which they are."""
    labels: dict[str, None] = {}
    for signal in signals:
        own = _labels(signal.measure.inner, signal.by)
        if own is None:
            return None
        labels |= dict.fromkeys(own)
    if arms is not None:
        labels.pop(arms.label, None)  # it is the canary that fires
    return tuple(labels)


def _labels(measure: plan.Measure, by: tuple[str, ...]) -> tuple[str, ...] | None:
    if not isinstance(measure, plan.PromQL):
        return by
    left = result_labels(measure.expr)
    return None if left is None else tuple(sorted(left - {*names.OURS}))
