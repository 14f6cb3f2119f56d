"""limit-wrong-unit: a limit is written in a unit its measure is not in: `Above("5m")` on a share of requests."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import (
    Absence,
    Changed,
    Drop,
    Gauge,
    Growth,
    Increase,
    Is,
    Latency,
    PromQL,
    Rate,
    Rise,
    Rollout,
    State,
    While,
)
from handrail.declare.limits import Limit
from handrail.declare.measures import Measure
from handrail.errors import Problem
from handrail.lint.limits import amounts, uses
from handrail.lint.problem import problem
from handrail.units import Unit, amount

NAME = "limit-wrong-unit"

_GAUGES = {"percent": Unit.ratio, "milliseconds": Unit.seconds}
_EXAMPLES = {
    Unit.ratio: "5%",
    Unit.seconds: "300ms",
    Unit.bytes: "1GB",
    Unit.per_second: "10/s",
    Unit.number: "42",
}


def unit_of(measure: Measure) -> Unit:
    """The unit a measure's limits are written in."""
    match measure:
        case Latency():
            return Unit.seconds
        case Increase() | State() | Absence():
            return Unit.number
        case Rate():
            return Unit.per_second
        case While(inner):
            return unit_of(inner)
        case Gauge() | Growth() | PromQL():
            return _GAUGES.get(measure.unit) or Unit(measure.unit)
        case _:
            return Unit.ratio


def check(rollout: Rollout) -> Iterator[Problem]:
    """Every figure of every limit; a plain 0 fits everything."""
    for guardrail in rollout.guardrails:
        for at, measure, limit, _ in uses(guardrail):
            wanted = _wanted(limit, measure)
            for _, written in amounts(limit):
                found = amount(written)
                if wanted is not None and found.unit is not wanted and found.value != 0:
                    what = f"guardrail '{guardrail.name}' has a limit of {written}, and its measure is in {wanted}"
                    yield problem(NAME, at, what, f"write it like {_EXAMPLES[wanted]}")


def _wanted(limit: Limit, measure: Measure) -> Unit | None:
    if isinstance(limit, Is | Changed):
        return None
    return Unit.ratio if isinstance(limit, Rise | Drop) else unit_of(measure)
