"""ago-within-rollout: a figure is compared with one that may already be the new version's.

Without arms `Ago("1h")` is what the whole service did an hour ago. Where stages bake for four hours, from the second on both
figures are of the new version, and a criterion at the end of a stage finds that nothing has changed. Compare with a time
before the attempt, like `Ago("7d")`, or with `BeforeRollout()`; with arms it is the stable arm's figure of that time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from handrail.declare import Ago, Rollout
from handrail.declare.limits import Limit
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import in_force, uses
from handrail.units import duration, span

NAME = "ago-within-rollout"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every limit of the whole service beside an earlier figure, in the stages that end."""
    for guardrail in rollout.guardrails:
        if rollout.arms is not None and not rollout.arms.told and not guardrail.whole_service:
            continue
        for use in uses(guardrail):
            if not use.limit.relative or not isinstance(use.against, Ago):
                continue
            lasts = _lasts(rollout, use.limit)
            if duration(use.against.time) < lasts:
                what = (
                    f"is compared with {use.against.time} ago, and stages that it judges last for {span(lasts)}: "
                    "by then that is the new version as well"
                )
                cure = f"write Ago of at least {span(lasts)} or BeforeRollout(), or give the rollout arms with values"
                yield finding(
                    NAME, use.against, what, cure, "time", about=guardrail, severity=Severity.warning
                )


def _lasts(rollout: Rollout, limit: Limit) -> timedelta:
    """From the first traffic of the canary to the end of the last stage that ends and has the limit."""
    found = past = timedelta()
    for stage in rollout.stages:
        if stage.has_canary and stage.bake is not None:
            past += duration(stage.bake)
            found = past if in_force(limit, stage) else found
    return found
