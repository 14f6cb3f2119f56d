"""success-too-loose: a gate would pass a stage in which a more severe tier fires.

With `success=Below("2%")` and `Critical(Above("1%"), action="rollback")` a release may be promoted at 1.5 %
and rolled back a minute later.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.contract import names
from handrail.declare import Above, Below, Changes, Count, Guardrail, Increase, Rollout
from handrail.declare.guardrail import Tier
from handrail.declare.limits import Limit
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import figure_in

NAME = "success-too-loose"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every criterion against every more severe tier."""
    for guardrail in rollout.guardrails:
        for limit in guardrail.successes:
            for tier in guardrail.tiers:
                if tier.tier != names.TIERS[0]:
                    yield from _pair(rollout, guardrail, limit, tier)


def _pair(rollout: Rollout, guardrail: Guardrail, limit: Limit, tier: Tier) -> Iterator[Finding]:
    counted = isinstance(guardrail.measure.inner, Increase | Count | Changes)
    stages = [stage.name for stage in rollout.stages]
    loose = [stage for stage in stages if _passes_a_breach(limit, tier.limit, stage, counted=counted)]
    if loose:
        where = "every stage" if loose == stages else " and ".join(f"stage '{stage}'" for stage in loose)
        what = f"would pass a gate while its {tier.tier} tier fires, in {where}"
        cure = f"make success= at least as strict as the {tier.tier} tier"
        yield finding(NAME, limit, what, cure, about=guardrail)


def _passes_a_breach(success: Limit, tier: Limit, stage: str, *, counted: bool) -> bool:
    asked, limit = figure_in(success, stage), figure_in(tier, stage)
    if asked is None or limit is None:
        return False
    if counted and isinstance(success, Below) and isinstance(tier, Above):
        return asked > limit + 1  # below 1 and not above 0 are the same to a count
    if success.relative or tier.relative:
        return type(success) is type(tier) and asked > limit
    if success.is_upper is None or tier.is_upper is None or success.is_upper == tier.is_upper:
        return False
    return asked > limit if tier.is_upper else asked < limit
