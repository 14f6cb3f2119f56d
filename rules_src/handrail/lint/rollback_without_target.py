"""rollback-without-target: a tier asks for a rollback and the rollout has no step that would do one."""

from __future__ import annotations

from collections.abc import Iterator

from handrail import names
from handrail.declare import Rollout
from handrail.errors import Problem
from handrail.lint.problem import problem

NAME = "rollback-without-target"


def check(rollout: Rollout) -> Iterator[Problem]:
    """Every acting tier."""
    for guardrail in rollout.guardrails:
        for tier in guardrail.tiers:
            if tier.action in names.ACTING and not _steps(rollout, tier.action):
                what = f"guardrail '{guardrail.name}' asks for {tier.action} and rollout '{rollout.name}' has no step for it"
                yield problem(NAME, tier, what, "add split= or rollback= to the rollout", field="action")


def _steps(rollout: Rollout, action: str) -> bool:
    own = {"emergency-rollback": rollout.emergency, "security-rollback": rollout.security}.get(action)
    return bool(own) if own is not None else bool(rollout.rollback or rollout.split)
