"""rollback-without-target: a tier asks for a rollback and the rollout has no step that would do one.

The page would say "rollback" and nothing would happen. Neither does a tier's `action="promote"`: alerts never
promote.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.contract import names
from handrail.declare import Rollout
from handrail.lint.common.finding import Finding, finding

NAME = "rollback-without-target"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every tier that asks for more than a look."""
    for guardrail in rollout.guardrails:
        for tier in guardrail.tiers:
            if tier.action == "promote":
                cure = 'use action="investigate"; gates decide about promotion'
                yield finding(NAME, tier, "asks an alert to promote", cure, "action", about=guardrail)
            if tier.action in names.ACTING and not _steps(rollout, tier.action):
                what = f"asks for {tier.action}, and the rollout has no step for it"
                cure = "add split= or rollback= to the rollout"
                yield finding(NAME, tier, what, cure, "action", about=guardrail)


def _steps(rollout: Rollout, action: str) -> bool:
    own = {"emergency-rollback": rollout.emergency, "security-rollback": rollout.security}.get(action)
    return bool(rollout.split or (rollout.rollback if own is None else own))
