"""tier-order: tiers out of order, or a more severe tier that is easier to reach than a milder one in some stage.

Such tiers contradict each other: the rollback would come before the warning. A table whose limits tighten by stage
often has this: warning above 0.5 % everywhere, rollback above 0.1 % in the last stage. `order="tighten"` on the
guardrail states the choice: where a stage makes the more severe tier tighter, the milder one follows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import combinations

from handrail.contract import names
from handrail.declare import DropPoints, Guardrail, RisePoints, Rollout
from handrail.declare.guardrail import Tier
from handrail.declare.limits import Fixed, Limit, Reference
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import figure_in, figures, settled
from handrail.units import duration

NAME = "tier-order"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every pair of tiers, in every stage."""
    stages: list[str | None] = [*(stage.name for stage in rollout.stages), None]
    for guardrail in rollout.guardrails:
        yield from _sequence(guardrail)
        for milder, severer in combinations(guardrail.tiers, 2):
            yield from _pair(guardrail, milder, severer, stages)


def _sequence(guardrail: Guardrail) -> Iterator[Finding]:
    order = [names.TIERS.index(tier.tier) for tier in guardrail.tiers]
    for tier, before, now in zip(guardrail.tiers[1:], order, order[1:], strict=False):
        if now == before:
            cure = "remove one, or add its limit to the other with or_="
            yield finding(NAME, tier, f"has two {tier.tier} tiers", cure, about=guardrail)
        elif now < before:
            cure = "write warning, critical, emergency in this order"
            yield finding(NAME, tier, f"lists {tier.tier} after a more severe tier", cure, about=guardrail)


def _pair(guardrail: Guardrail, milder: Tier, severer: Tier, stages: list[str | None]) -> Iterator[Finding]:
    if _turned(milder, severer):
        what = f"has a {milder.tier} limit and a {severer.tier} limit that point in opposite directions"
        yield finding(NAME, severer, what, "use two guardrails", "limit", about=guardrail)
    follows = guardrail.order == "tighten" and (_staged(milder.limit) or _staged(severer.limit))
    looked_at = [None] if follows else stages  # in its stages the milder one follows the severer one
    wrong = [stage for stage in looked_at if _contradict(milder, severer, stage, guardrail.against)]
    if wrong:
        what = f"reaches {severer.tier} before {milder.tier} {_where(wrong, stages)}"
        choice = ', or say order="tighten" on the guardrail' if guardrail.order == "strict" else ""
        cure = f"correct the limits{choice}"
        yield finding(NAME, severer, what, cure, "limit", about=guardrail)


def _where(wrong: list[str | None], stages: list[str | None]) -> str:
    if wrong == stages:
        return "everywhere"
    return " and ".join(
        "outside of the stages" if stage is None else f"in stage '{stage}'" for stage in wrong
    )


def _staged(limit: Limit) -> bool:
    return any(figure.stage is not None for figure in figures(limit))


def _turned(milder: Tier, severer: Tier) -> bool:
    directions = milder.limit.is_upper, severer.limit.is_upper
    return None not in directions and milder.limit.is_upper != severer.limit.is_upper


def _contradict(milder: Tier, severer: Tier, stage: str | None, against: Reference | None) -> bool:
    one, other = (_line(tier.limit, stage, against) for tier in (milder, severer))
    if one is None or other is None or _turned(milder, severer):
        return False
    (what, low), (other_what, high) = one, other
    if what != other_what:
        return False
    if low == high:
        return duration(milder.sustained) > duration(severer.sustained)
    return high < low if severer.limit.is_upper else high > low


def _line(limit: Limit, stage: str | None, against: Reference | None) -> tuple[str, Decimal] | None:
    """What the figure is a figure of, and the figure; of two that are of one thing it can be said which is beyond."""
    figure = figure_in(limit, stage)
    if figure is None or not limit.relative:
        return None if figure is None else ("the value", figure)
    if isinstance(against, Fixed):
        return "the value", settled(limit, figure, against)[1]
    points = isinstance(limit, RisePoints | DropPoints)
    return (
        "points beside the reference" if points else "share of the reference",
        figure if limit.is_upper else -figure,
    )
