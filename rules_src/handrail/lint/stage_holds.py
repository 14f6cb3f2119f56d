"""stage-holds: a hold is longer than a stage in which it counts; or a stage that is not the last has no hold.

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

NAME = "stage-holds"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every hold against the shortest stage it counts in."""
    for stage in rollout.stages[:-1]:
        if stage.hold is None:
            yield finding(NAME, stage, f"stage '{stage.name}' is not the last and has no hold", "add hold=")
    for guardrail in rollout.guardrails:
        for tier in guardrail.tiers:
            stages = guarded_stages(rollout, [tier.limit, *(other.limit for other in tier.or_)])
            yield from _tier(guardrail, tier, stages[:1])
        yield from _blind(guardrail, guarded_stages(rollout, [tier.limit for tier in guardrail.tiers])[:1])


def _tier(guardrail: Guardrail, tier: Tier, stages: list[Stage]) -> Iterator[Finding]:
    for stage in stages:
        if duration(tier.hold) >= duration(stage.hold or "0s"):
            what = f"holds its {tier.tier} tier for {tier.hold}, and stage '{stage.name}' lasts {stage.hold}"
            cure = "shorten hold= or lengthen the stage"
            yield finding(NAME, tier, what, cure, "hold", about=guardrail)


def _blind(guardrail: Guardrail, stages: list[Stage]) -> Iterator[Finding]:
    for stage in stages:
        if duration(guardrail.blind_after) >= duration(stage.hold or "0s"):
            what = f"says that it is blind after {guardrail.blind_after}, and stage '{stage.name}' lasts {stage.hold}"
            cure = "shorten blind_after= or lengthen the stage"
            yield finding(NAME, guardrail, what, cure, "blind_after", about=guardrail)
