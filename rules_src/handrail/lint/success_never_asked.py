"""success-never-asked: a success criterion that no gate asks for.

A gate judges the stage before it; the last gate judges the last stage. If there are no stages, if no canary has traffic,
or if there is nothing to compare with (the stable arm in stages without it, the stage before the first), the criterion
is never asked, and a promotion passes as if it were met. Without a tier the guardrail then guards nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handrail import plan
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.plan.timing import Times

NAME = "success-never-asked"


def check(rollout: plan.Rollout, times: Mapping[str, Times]) -> Iterator[Finding]:
    """Every criterion of every guardrail that does more than watch."""
    del times
    for guardrail in (guardrail for guardrail in rollout.guardrails if not guardrail.shadow):
        conditions = [success.condition for success in guardrail.success]
        asked = [
            any(rollout.judges(condition, guardrail, stage) for stage in rollout.stages)
            for condition in conditions
        ]
        if not all(asked):
            severity = Severity.warning if guardrail.alerts or any(asked) else Severity.error
            what = "has a success criterion that no gate asks for"
            cure = "give it a stage to judge, or remove it"
            yield finding(NAME, guardrail.where, what, cure, about=guardrail, severity=severity)
