"""tier-order: tiers out of order, or a graver tier that is easier to reach than a milder one in some stage.

Such tiers contradict each other: the rollback would come before the warning. `order="tighten"` on the
guardrail states that the milder tier follows the graver one where a stage makes that one tighter.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from handrail import names
from handrail.declare import Drop, Guardrail, Rollout
from handrail.declare.guardrail import Tier
from handrail.errors import Problem
from handrail.lint.limits import UPPER, figure_in
from handrail.lint.problem import problem

NAME = "tier-order"


def check(rollout: Rollout) -> Iterator[Problem]:
    """Every pair of tiers, in every stage."""
    stages: list[str | None] = [None, *(stage.name for stage in rollout.stages)]
    for guardrail in rollout.guardrails:
        yield from _sequence(guardrail)
        for milder, graver in combinations(guardrail.tiers, 2):
            wrong = [stage for stage in stages if _contradict(milder, graver, stage)]
            if wrong and guardrail.order == "strict":
                where = ", ".join("every stage" if stage is None else f"stage '{stage}'" for stage in wrong)
                what = (
                    f"guardrail '{guardrail.name}': {graver.tier} is reached before {milder.tier} in {where}"
                )
                yield problem(
                    NAME, graver, what, 'correct the limits, or say order="tighten" on the guardrail'
                )


def _sequence(guardrail: Guardrail) -> Iterator[Problem]:
    order = [names.TIERS.index(tier.tier) for tier in guardrail.tiers]
    for tier, before, now in zip(guardrail.tiers[1:], order, order[1:], strict=False):
        if now == before:
            yield problem(NAME, tier, f"guardrail '{guardrail.name}' has two {tier.tier} tiers", "remove one")
        elif now < before:
            what = f"guardrail '{guardrail.name}' lists {tier.tier} after a graver tier"
            yield problem(NAME, tier, what, "write warning, critical, emergency in this order")


def _contradict(milder: Tier, graver: Tier, stage: str | None) -> bool:
    low, high = figure_in(milder.limit, stage), figure_in(graver.limit, stage)
    if low is None or high is None or type(milder.limit) is not type(graver.limit):
        return False
    rising = (*UPPER, Drop)  # a larger drop is the graver one
    return high < low if isinstance(graver.limit, rising) else high > low
