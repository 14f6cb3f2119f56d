"""A condition → the PromQL of whether its data is there, though too little may happen to judge it by.

A quiet night takes traffic away, and a lost log or exporter takes the data away: only the former is forgiven by a gate.
"""

from __future__ import annotations

from dataclasses import replace

from handrail.plan import Condition, EventMeasure, ReferenceKind, Signal, While
from handrail.promql.comparisons import Scope, measure_then, of_stable, reference_figure
from handrail.promql.presence import present
from handrail.promql.values import holds_not


def data_there(condition: Condition, scope: Scope) -> str:
    """A sample while it could be judged if only there were traffic enough, now and in the reference; empty where it needs none."""
    signal, reference = condition.signal, condition.reference
    if not signal.needs_traffic and condition.least is None:
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
    """It has a value, or too few events for one, or its condition does not hold."""
    ways, measure = [str(signal.value)], signal.measure
    if signal.events is not None and isinstance(measure.inner, EventMeasure):
        ways.append(f"{signal.events} < {measure.inner.min_events}")
    if isinstance(measure, While):
        ways.append(f"({holds_not(measure, signal.arm_labels)})")
    return f"({' or '.join(ways)})"


def _stable_side(signal: Signal, scope: Scope) -> Signal:
    events = None if signal.events is None else of_stable(signal.events, signal, scope)
    return replace(signal, value=of_stable(signal.value, signal, scope), events=events)
