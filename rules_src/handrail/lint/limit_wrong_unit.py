"""limit-wrong-unit: a limit is written in a unit its measure is not in: `Above("5m")` on a share of requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handrail.base.places import PathStep
from handrail.declare import (
    Absence,
    Age,
    Changed,
    Changes,
    Count,
    Difference,
    Distribution,
    Drop,
    Fixed,
    Forecast,
    Gauge,
    Growth,
    Increase,
    Is,
    Latency,
    PromQL,
    Rate,
    Ratio,
    Rise,
    Rollout,
    SlowerThan,
    State,
    TimeUntil,
    Usage,
    While,
)
from handrail.declare.dashboard import Drawable, bounds_of, drawn
from handrail.declare.limits import Limit
from handrail.declare.measures import Measure
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import figures, uses
from handrail.units import Amount, Unit, amount

NAME = "limit-wrong-unit"

_GAUGES = {"percent": Unit.ratio, "milliseconds": Unit.seconds}
_EXAMPLES = {
    Unit.ratio: "5%",
    Unit.seconds: "300ms",
    Unit.bytes: "1GB",
    Unit.per_second: "10/s",
    Unit.number: "42",
}
_SAID = {
    Unit.ratio: "a share",
    Unit.seconds: "a time",
    Unit.bytes: "a size",
    Unit.per_second: "a rate",
    Unit.number: "a number",
}


def unit_of(measure: Drawable) -> Unit:
    """The unit a measure's limits are written in."""
    match measure:
        case Latency() | Distribution() | Age() | TimeUntil():
            return Unit.seconds
        case Increase() | State() | Absence() | Count() | Changes():
            return Unit.number
        case Rate():
            return Unit.per_second
        case While(inner):
            return unit_of(inner)
        case Gauge() | Growth() | Difference() | Forecast() | PromQL():
            return _GAUGES.get(measure.unit) or Unit(measure.unit)
        case Ratio() | SlowerThan() | Usage():
            return Unit.ratio


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every figure of every limit, every fixed reference, every condition, every panel; a plain 0 fits everything."""
    yield from _of_panels(rollout)
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            unit = unit_of(use.measure)
            wanted = _wanted(use.limit, unit)
            asked: list[tuple[Amount, object, tuple[PathStep, ...], Unit | None]]
            asked = [(figure.written, use.limit, figure.path, wanted) for figure in figures(use.limit)]
            floor = getattr(use.limit, "floor", None)
            asked.append((floor or 0, use.limit, ("floor",), unit))
            if isinstance(use.against, Fixed):
                asked.append((use.against.figure, use.against, ("figure",), unit))
            if isinstance(use.measure, While):
                needed = unit_of(use.measure.condition)
                asked.append((use.measure.above, use.measure, ("above",), needed))
                asked.append((use.measure.at_most or 0, use.measure, ("at_most",), needed))
            for written, at, path, expected in asked:
                quantity = amount(written)
                if expected is not None and quantity.unit is not expected and quantity.value != 0:
                    what = f"has a figure of {written}, and what it is compared with is {_SAID[expected]}"
                    cure = f"write it like {_EXAMPLES[expected]}"
                    if expected is unit is Unit.number and at is not use.measure:
                        cure += _or_the_measures(use.measure, quantity.unit)
                    yield finding(NAME, at, what, cure, *path, about=guardrail, severity=Severity.fatal)


def _of_panels(rollout: Rollout) -> Iterator[Finding]:
    """Every target and limit of a panel: in the unit of its curve."""
    for panel in (panel for page in rollout.dashboards for panel in drawn(page)):
        for field in ("target", "limit"):
            for name, bound in bounds_of(getattr(panel, field)):
                measures = dict(panel.curves) if isinstance(panel.curves, Mapping) else {"": panel.curves}
                unit = unit_of(measures.get(name) or next(iter(measures.values())))
                quantity = amount(bound.at) if not isinstance(bound.at, Mapping) else None
                if quantity is not None and quantity.unit is not unit and quantity.value != 0:
                    what = (
                        f"panel '{panel.title}' has a {field} of {bound.at}, and its curve is {_SAID[unit]}"
                    )
                    cure = f"write it like {_EXAMPLES[unit]}"
                    yield finding(NAME, bound, what, cure, "at", severity=Severity.fatal)


def _or_the_measures(measure: Measure, unit: Unit) -> str:
    """What a gauge is in only its declaration knows: that may be what is wrong."""
    match measure:
        case While(inner):
            return _or_the_measures(inner, unit)
        case Growth() if unit is not Unit.bytes:
            return ""
        case Gauge() | Growth() | Difference() | Forecast() | PromQL():
            return f', or give {type(measure).__name__} unit="{unit}"'
        case Ratio() | Latency() | SlowerThan() | Increase() | Rate() | Usage():
            return ""
        case Age() | TimeUntil() | Count() | Changes() | State() | Absence():
            return ""


def _wanted(limit: Limit, unit: Unit) -> Unit | None:
    if isinstance(limit, Is | Changed):
        return None
    return Unit.ratio if isinstance(limit, Rise | Drop) else unit
