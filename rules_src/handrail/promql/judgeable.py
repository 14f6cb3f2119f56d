"""A condition → the PromQL of whether it can be judged: data, events enough, and a reference that something can break."""

from __future__ import annotations

from decimal import Decimal

from handrail.plan import (
    Absence,
    Changes,
    Condition,
    Count,
    Difference,
    Forecast,
    Gauge,
    Growth,
    Increase,
    Latency,
    Measure,
    PromQL,
    Rate,
    Ratio,
    SlowerThan,
    State,
    StateChanges,
    Timestamp,
    Usage,
    While,
)
from handrail.promql.comparisons import Scope, enough_events, join_clause, judged_series, reference_figure
from handrail.units import plain


def seen(condition: Condition, scope: Scope) -> str:
    """A sample while the condition can be judged: data, enough traffic, and a reference that something can break."""
    return _beside_reference(condition, scope, ">")


def nothing_below(condition: Condition, scope: Scope) -> str | None:
    """A sample while only the reference keeps the condition from being judged, because nothing can be below it; None if
    no reference is so low.
    """
    if condition.reference is None or _least_reference(condition) is None:
        return None
    lost = _beside_reference(condition, scope, "<=")
    if not condition.signal.measure.labels:
        return lost
    return f"({lost})\nunless on () ({seen(condition, scope)})"


def _beside_reference(condition: Condition, scope: Scope, op: str) -> str:
    parts = [str(judged_series(condition)), *enough_events(condition, scope)]
    if condition.reference is not None:
        least = _least_reference(condition)
        reference = f"({reference_figure(condition, scope)})"
        parts.append(
            f"{_reference_join(condition, scope)} "
            + (reference if least is None else f"({reference} {op} {plain(least)})")
        )
    return "\nand ".join(parts)


def _least_reference(condition: Condition) -> Decimal | None:
    """A drop needs a reference above this, because nothing can drop below 0. None: any reference will do."""
    if condition.is_upper or condition.least is not None:
        return None
    if not condition.points:
        return Decimal(0)
    return -max(condition.figures) if _never_negative(condition.signal.measure) else None


def _never_negative(measure: Measure) -> bool:
    match measure:
        case While(inner):
            return _never_negative(inner)
        case Gauge(least=least):
            return least is not None
        case Ratio() | Latency() | SlowerThan() | Increase() | Rate() | Usage() | Count() | Changes():
            return True
        case State() | StateChanges() | Growth() | Difference() | Timestamp() | Forecast():
            return False
        case Absence() | PromQL():
            return False


def _reference_join(condition: Condition, scope: Scope) -> str:
    """The `on (…)` by which the judged series are joined with the reference."""
    return join_clause(condition, scope).partition(" group_left")[0].rstrip()
