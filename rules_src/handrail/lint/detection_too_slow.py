"""detection-too-slow: scrape, window, evaluation and `sustained` together take longer than a stage's bake time.

Each may be short enough by itself. A sudden breach that fires only after its stage is over is an error; one that
does so only when the value is just over its limit, and the window fills slowly, is a warning.
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

NAME = "detection-too-slow"


def check(rollout: plan.Rollout, times: Mapping[str, Times]) -> Iterator[Finding]:
    """Every alert against the shortest stage it counts in."""
    for guardrail in rollout.guardrails:
        if guardrail.split is not None:
            continue  # its window is the longest that it looks back, not what it takes
        for alert in guardrail.alerts:
            stages = [(bake, stage.name) for stage in rollout.stages if (bake := _counts(alert, stage))]
            own = times[alert.name]
            for bake, stage in sorted(stages)[:1]:
                yield from _slow(guardrail, alert, own, bake, stage)


def _slow(
    guardrail: plan.Guardrail, alert: plan.Alert, times: Times, bake: timedelta, stage: str
) -> Iterator[Finding]:
    if times.fires_at_last < bake:
        return
    sudden = times.fires >= bake
    breach, needed = ("", times.fires) if sudden else ("a slight breach in ", times.fires_at_last)
    what = f"sees {breach or 'a breach in '}its {alert.tier} tier after {span(needed)}, and stage '{stage}' bakes for {span(bake)}"
    cure = "shorten window=, sustained= or evaluate=, or lengthen bake="
    acting = alert.action in names.ACTING
    severity = Severity.error if sudden and acting else Severity.warning
    yield finding(NAME, alert.where, what, cure, about=guardrail, severity=severity)


def _counts(alert: plan.Alert, stage: plan.Stage) -> timedelta | None:
    limited = any(condition.figure_in(stage.name) is not None for condition in alert.conditions)
    return stage.bake if limited and stage.has_canary else None
