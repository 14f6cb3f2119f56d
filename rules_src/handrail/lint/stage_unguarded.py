"""stage-unguarded: every limit of a guardrail is relative to the stable arm, and in some stage there is none.

Once the canary has all traffic, nothing is left to compare it with: the alerts fall silent in the stage in which a fault
reaches everybody. A fixed limit, or one relative to a captured figure, guards that stage as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handrail import plan
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.plan.timing import Times

NAME = "stage-unguarded"


def check(rollout: plan.Rollout, times: Mapping[str, Times]) -> Iterator[Finding]:
    """Every guardrail that is judged in some stage and, for want of a stable arm, not in one with more traffic."""
    del times
    for guardrail in rollout.guardrails:
        conditions = [condition for alert in guardrail.alerts for condition in alert.conditions]
        guarded = {
            stage.name: any(rollout.judges(condition, guardrail, stage) for condition in conditions)
            for stage in rollout.stages
        }
        alone = [
            stage.name
            for stage in rollout.stages
            if stage.has_canary and not stage.has_both and not guarded[stage.name]
            if any(_lacks_stable(condition, stage) for condition in conditions)
        ]
        if alone and any(guarded.values()):
            what = f"has no limit in stage '{alone[0]}', where the canary has all traffic and there is no stable arm"
            cure = "add a tier with a fixed limit"
            yield finding(NAME, guardrail.where, what, cure, about=guardrail, severity=Severity.warning)


def _lacks_stable(condition: plan.Condition, stage: plan.Stage) -> bool:
    """Whether a figure is in force there, and only what it is relative to is missing."""
    reference = condition.reference
    stable = reference is not None and reference.kind is plan.ReferenceKind.stable
    return stable and condition.figure_in(stage.name) is not None
