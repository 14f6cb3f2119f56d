"""aidin-hardening's own rules, some of its guardrails at a time, for what is asked of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from handrail.declare import Environment
from handrail.lower import lower
from handrail.plan import Rollout
from own_rollouts import own_declarations, own_rollout

from .judged import Asked

LOOK = {"critical": "investigate"}
SOURCE = Path(__file__).parents[2] / "rules_src"
JOB = 'instance="a",job="aidin-sql"'
STAGE = {'handrail_rollout_stage{rollout="aidin-hardening",stage="10%"}': "1x600"}
BEGAN = 'handrail_attempt_started_timestamp_seconds{rollout="aidin-hardening"}'


def aidin(*guardrails: str) -> Rollout:
    """The rollout with these of its guardrails."""
    own = own_rollout("aidin-hardening")
    return replace(own, guardrails=tuple(one for one in own.guardrails if one.name in guardrails))


def fires(at: str, **alerts: str) -> Asked:
    """Exactly these tiers fire at `at`, with these actions; blindness apart."""
    expr = 'group by (tier, action) (ALERTS{alertstate="firing",rollout="aidin-hardening",tier=~"warning|critical|emergency|thin"})'
    samples = {
        f'{{action="{action.replace("_", "-")}",tier="{tier}"}}': 1.0 for tier, action in alerts.items()
    }
    return Asked(expr, at, samples)


def hurried(name: str) -> Rollout:
    """One guardrail, 336 times faster."""
    declared = next(one for one in own_declarations().rollouts if one.name == "aidin-hardening")
    own = [one for one in declared.guardrails if one.name == name]
    here = Environment("test", faster=336)
    return lower([replace(declared, guardrails=own, sql=(), logs=(), dashboards=())], here).rollouts[0]
