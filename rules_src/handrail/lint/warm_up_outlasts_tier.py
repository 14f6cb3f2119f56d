"""warm-up-outlasts-tier: a tier counts only in the beginning of a stage, and all that time the stage warms up.

In a stage with `warm_up="1h"` nothing but an emergency is acted on for an hour. What a tier with `during="30m"` finds is
over by then, also with the time for which its alert is kept firing: it asks for a rollback that never comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from handrail import plan
from handrail.contract import names
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.plan.timing import Times
from handrail.units import span

NAME = "warm-up-outlasts-tier"


def check(rollout: plan.Rollout, times: Mapping[str, Times]) -> Iterator[Finding]:
    """Every tier that counts for a time and that the receiver acts on, but not in a warm-up."""
    del times
    for guardrail in (guardrail for guardrail in rollout.guardrails if not guardrail.shadow):
        for alert in guardrail.alerts:
            if alert.tier != names.TIERS[-1] and alert.action in ("hold", "rollback"):
                yield from _of_tier(rollout, guardrail, alert)


def _of_tier(rollout: plan.Rollout, guardrail: plan.Guardrail, alert: plan.Alert) -> Iterator[Finding]:
    if alert.during is None:
        return
    over = alert.during + alert.keep_firing_for
    warm_up = {stage.name: timedelta(seconds=stage.warm_up) for stage in rollout.playbook.stages}
    stages = [stage.name for stage in _where(rollout, guardrail, alert)]
    lost = [stage for stage in stages if warm_up[stage] >= over]
    if not lost:
        return
    kept = f" and keeps firing for {span(alert.keep_firing_for)}" if alert.keep_firing_for else ""
    what = (
        f"has a {alert.tier} tier that counts for {span(alert.during)}{kept}, and stage '{lost[0]}' warms up for "
        f"{span(warm_up[lost[0]])}, in which only emergencies are acted on"
    )
    severity = Severity.error if lost == stages else Severity.warning
    yield finding(
        NAME, alert.where, what, "lengthen during=, or shorten warm_up=", about=guardrail, severity=severity
    )


def _where(rollout: plan.Rollout, guardrail: plan.Guardrail, alert: plan.Alert) -> Iterator[plan.Stage]:
    """The stages in whose beginning it counts; of an attempt the first, whose warm-up begins with it."""
    for stage in rollout.stages[:1] if alert.since_attempt else rollout.stages:
        if any(rollout.judges(condition, guardrail, stage) for condition in alert.conditions):
            yield stage
