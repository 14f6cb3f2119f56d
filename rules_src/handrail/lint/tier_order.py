"""tier-order: tiers out of order, or a graver tier that is easier to reach than a milder one in some stage.

Such tiers contradict each other: the rollback would come before the warning. A table whose limits tighten by
stage has this often: warning above 0.5 % everywhere, rollback above 0.1 % in the last stage. `order="tighten"`
on the guardrail states the choice: where a stage makes the graver tier tighter, the milder one follows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from handrail import names
from handrail.declare import Drop, Guardrail, Rollout
from handrail.declare.guardrail import Tier
from handrail.lint.finding import Finding, finding
from handrail.lint.limits import LOWER, RELATIVE, UPPER, figure_in
from handrail.units import duration

NAME = "tier-order"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every pair of tiers, in every stage."""
    stages: list[str | None] = [*(stage.name for stage in rollout.stages), None]
    for guardrail in rollout.guardrails:
        yield from _sequence(guardrail)
        for milder, graver in combinations(guardrail.tiers, 2):
            yield from _pair(guardrail, milder, graver, stages)


def _sequence(guardrail: Guardrail) -> Iterator[Finding]:
    order = [names.TIERS.index(tier.tier) for tier in guardrail.tiers]
    for tier, before, now in zip(guardrail.tiers[1:], order, order[1:], strict=False):
        if now == before:
            cure = "remove one, or add its limit to the other with or_="
            yield finding(NAME, tier, f"has two {tier.tier} tiers", cure, about=guardrail)
        elif now < before:
            cure = "write warning, critical, emergency in this order"
            yield finding(NAME, tier, f"lists {tier.tier} after a graver tier", cure, about=guardrail)


def _pair(guardrail: Guardrail, milder: Tier, graver: Tier, stages: list[str | None]) -> Iterator[Finding]:
    if _turned(milder, graver):
        what = f"has a {milder.tier} limit and a {graver.tier} limit that point in opposite directions"
        yield finding(NAME, graver, what, "use two guardrails", "limit", about=guardrail)
    if guardrail.order == "tighten" or isinstance(milder.limit, RELATIVE) != isinstance(
        graver.limit, RELATIVE
    ):
        return
    wrong = [stage for stage in stages if _contradict(milder, graver, stage)]
    if wrong:
        what = f"reaches {graver.tier} before {milder.tier} {_where(wrong, stages)}"
        cure = 'correct the limits, or say order="tighten" on the guardrail'
        yield finding(NAME, graver, what, cure, "limit", about=guardrail)


def _where(wrong: list[str | None], stages: list[str | None]) -> str:
    if wrong == stages:
        return "everywhere"
    return " and ".join(
        "outside of the stages" if stage is None else f"in stage '{stage}'" for stage in wrong
    )


def _turned(milder: Tier, graver: Tier) -> bool:
    return (isinstance(milder.limit, UPPER) and isinstance(graver.limit, LOWER)) or (
        isinstance(milder.limit, LOWER) and isinstance(graver.limit, UPPER)
    )


def _contradict(milder: Tier, graver: Tier, stage: str | None) -> bool:
    low, high = figure_in(milder.limit, stage), figure_in(graver.limit, stage)
    if low is None or high is None or _turned(milder, graver):
        return False
    if low == high:
        return duration(milder.hold) > duration(graver.hold)
    rising = isinstance(graver.limit, (*UPPER, Drop))  # a larger drop is the graver one
    return high < low if rising else high > low
