"""What several lints ask about declared limits: their figures by stage, which way they point, what they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from handrail.declare import Above, AtLeast, AtMost, Below, Drop, Guardrail, Rise, RisePoints
from handrail.declare.limits import ByStage, Limit, Reference
from handrail.declare.measures import Measure
from handrail.units import Amount, amount

RELATIVE = (Rise, RisePoints, Drop)
UPPER = (Above, AtLeast, Rise, RisePoints)
LOWER = (Below, AtMost, Drop)


def given(limit: Limit) -> ByStage | None:
    """What was written as the limit's figure, None where it has none."""
    if isinstance(limit, Above | AtLeast | Below | AtMost):
        return limit.at
    if isinstance(limit, Rise | RisePoints | Drop):
        return limit.by
    return None


def amounts(limit: Limit) -> Iterator[tuple[str | None, Amount]]:
    """(stage, figure as written); stage None is everywhere or otherwise."""
    written = given(limit)
    if isinstance(written, Mapping):
        yield from written.items()
    elif written is not None:
        yield None, written
    otherwise = getattr(limit, "otherwise", None)
    if otherwise is not None:
        yield None, otherwise


def figure_in(limit: Limit, stage: str | None) -> Decimal | None:
    """The figure in force in a stage (None: in no stage), None where there is none."""
    by_stage = {name: amount(written).value for name, written in amounts(limit)}
    return by_stage.get(stage, by_stage.get(None))


def uses(guardrail: Guardrail) -> Iterator[tuple[object, Measure, Limit, Reference | None]]:
    """Every limit of a guardrail: who wrote it, the measure it judges, the limit and its reference."""
    for tier in guardrail.tiers:
        yield tier, guardrail.measure, tier.limit, guardrail.against
        for other in tier.or_:
            yield other, other.measure, other.limit, other.against
    for limit in guardrail.successes:
        yield guardrail, guardrail.measure, limit, guardrail.against
