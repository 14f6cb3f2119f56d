"""stage-holds: a tier's hold, or a window, is longer than a stage; or a stage that is not the last has no hold.

A breach in such a stage would be noticed after the stage is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from handrail.declare import Rollout
from handrail.declare.rollout import Stage
from handrail.errors import Problem
from handrail.lint.problem import problem
from handrail.units import duration

NAME = "stage-holds"


def check(rollout: Rollout) -> Iterator[Problem]:
    """Every tier against the shortest stage that has traffic."""
    for stage in rollout.stages[:-1]:
        if stage.hold is None:
            yield problem(NAME, stage, f"stage '{stage.name}' is not the last and has no hold", "add hold=")
    held = [stage for stage in rollout.stages if stage.hold is not None]
    if not held:
        return
    shortest = min(held, key=_hold)
    for guardrail in rollout.guardrails:
        for tier in guardrail.tiers:
            if duration(tier.hold) >= _hold(shortest):
                what = (
                    f"guardrail '{guardrail.name}' holds its {tier.tier} tier for {tier.hold}, "
                    f"and stage '{shortest.name}' lasts {shortest.hold}"
                )
                yield problem(NAME, tier, what, "shorten hold= or lengthen the stage", field="hold")


def _hold(stage: Stage) -> timedelta:
    return duration(stage.hold or "0s")
