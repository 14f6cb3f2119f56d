"""A condition → PromQL that says whether its data exists, even if there is too little traffic to judge.

On a quiet night there is no traffic; when a log or an exporter is lost there is no data. A gate forgives only the
former.
"""

from __future__ import annotations

from dataclasses import replace

from handrail.plan import Condition, EventMeasure, ReferenceKind, Signal, While
from handrail.promql.comparisons import Scope, measure_then, of_stable, reference_figure
from handrail.promql.presence import present
from handrail.promql.values import holds_not


def data_there(condition: Condition, scope: Scope) -> str:
    """A sample while the condition could be judged if there were enough traffic, now and in the reference; empty if it
    needs no traffic.
    """
    signal, reference = condition.signal, condition.reference
    if not signal.needs_traffic and (condition.least is None or condition.is_upper):
        return ""
    parts = [_there(signal)]
    if reference is None:
        return parts[0]
    if reference.kind is ReferenceKind.stable:
        parts.append(_there(_stable_side(signal, scope)))
    elif reference.ago is not None:
        parts.append(f"({present(measure_then(signal, scope), (), reference.ago)})")
    else:
        parts.append(f"({reference_figure(condition, scope)})")
    return "\nand on () ".join(parts)


def _there(signal: Signal) -> str:
    """A sample while the measure has a value, or too few events for one, or its condition does not hold."""
    ways, measure = [str(signal.value)], signal.measure
    if signal.events is not None and isinstance(measure.inner, EventMeasure):
        ways.append(f"{signal.events} < {measure.inner.min_events}")
    if isinstance(measure, While):
        ways.append(f"({holds_not(measure, signal.arm_labels)})")
    return f"({' or '.join(ways)})"


def _stable_side(signal: Signal, scope: Scope) -> Signal:
    events = None if signal.events is None else of_stable(signal.events, signal, scope)
    return replace(signal, value=of_stable(signal.value, signal, scope), events=events)
