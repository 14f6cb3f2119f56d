"""stage-too-short: a stage is over before a tier's limit is sustained; or one that is not the last has no bake time.

A breach in such a stage would be noticed after the stage is over, when the bad version has more traffic.
The same goes for `blind_after`.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Guardrail, Rollout
from handrail.declare.guardrail import Tier
from handrail.declare.rollout import Stage
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import guarded_stages
from handrail.units import duration

NAME = "stage-too-short"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every tier against the shortest stage it counts in."""
    for stage in rollout.stages[:-1]:
        if stage.bake is None:
            yield finding(
                NAME, stage, f"stage '{stage.name}' is not the last and has no bake time", "add bake="
            )
    for guardrail in rollout.guardrails:
        for tier in guardrail.tiers:
            stages = guarded_stages(rollout, [tier.limit, *(other.limit for other in tier.or_)])
            yield from _tier(guardrail, tier, stages[:1])
        yield from _blind(guardrail, guarded_stages(rollout, [tier.limit for tier in guardrail.tiers])[:1])


def _tier(guardrail: Guardrail, tier: Tier, stages: list[Stage]) -> Iterator[Finding]:
    for stage in stages:
        if duration(tier.sustained) >= duration(stage.bake or "0s"):
            what = f"fires its {tier.tier} tier once sustained for {tier.sustained}, and stage '{stage.name}' bakes for {stage.bake}"
            cure = "shorten sustained= or lengthen bake="
            yield finding(NAME, tier, what, cure, "sustained", about=guardrail)


def _blind(guardrail: Guardrail, stages: list[Stage]) -> Iterator[Finding]:
    for stage in stages:
        if duration(guardrail.blind_after) >= duration(stage.bake or "0s"):
            what = f"says that it is blind after {guardrail.blind_after}, and stage '{stage.name}' bakes for {stage.bake}"
            cure = "shorten blind_after= or lengthen bake="
            yield finding(NAME, guardrail, what, cure, "blind_after", about=guardrail)
