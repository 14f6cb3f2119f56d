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
from handrail.promql.comparisons import (
    Scope,
    enough_events,
    join_clause,
    judged_series,
    reference_figure,
    shown_reference,
)
from handrail.units import plain


def seen(condition: Condition, scope: Scope) -> str:
    """A sample while the condition can be judged: data, enough traffic, and a reference that something can break."""
    return _beside_reference(condition, scope, ">=" if condition.is_upper else ">")


def reference_too_low(condition: Condition, scope: Scope) -> tuple[str, str] | None:
    """The reason, and a sample while only the reference keeps the condition from being judged: nothing can be below it, or
    its share says nothing, of 0 as of what is below 0. None if no reference is so low.
    """
    if condition.reference is None or _least_reference(condition) is None:
        return None
    return _why(condition), _too_low(condition, scope)


def _why(condition: Condition) -> str:
    if condition.is_upper:
        return "its reference is below 0"
    if never_negative(condition.signal.measure):
        return "nothing can drop below its reference"
    return "its reference is 0 or below"


def _too_low(condition: Condition, scope: Scope) -> str:
    lost = _beside_reference(condition, scope, "<" if condition.is_upper else "<=")
    if not condition.signal.measure.labels:
        return lost
    return f"({lost})\nunless on () ({seen(condition, scope)})"


def _beside_reference(condition: Condition, scope: Scope, op: str) -> str:
    parts = [str(judged_series(condition)), *enough_events(condition, scope)]
    if condition.reference is not None:
        least = _least_reference(condition)
        reference = (
            f"({reference_figure(condition, scope)})"
            if least is None
            else f"(({shown_reference(condition, scope)}) {op} {plain(least)})"
        )
        parts.append(f"{_reference_join(condition, scope)} {reference}")
    return "\nand ".join(parts)


def _least_reference(condition: Condition) -> Decimal | None:
    """A drop needs a reference above this, because a share of 0 or less is no drop, and a rise one of at least this. None:
    any reference will do, or none is too low to be blind.
    """
    if condition.is_upper:
        return condition.least
    if condition.least is not None:
        return None
    if not condition.points:
        return Decimal(0)
    return -max(condition.figures) if never_negative(condition.signal.measure) else None


def never_negative(measure: Measure) -> bool:
    """Whether no value of the measure can be below 0."""
    match measure:
        case While(inner):
            return never_negative(inner)
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
