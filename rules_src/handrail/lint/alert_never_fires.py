"""alert-never-fires: there is no stage in which a tier can be breached, so its alert sleeps for ever.

A limit of the stage without traffic, where there is no canary; a limit beside the stable arm in the stage in which the
canary has all traffic; one beside the stage before in the first stage; a tier that counts for five minutes
(`during="5m"`) and holds for ten; a state that the series' own matchers leave out; a measure bound to a condition that
never holds. At 3 a.m. such a tier looks like a guard and is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handrail import plan
from handrail.lint.common.finding import Finding, finding
from handrail.plan.timing import Times
from handrail.units import span

NAME = "alert-never-fires"


def check(rollout: plan.Rollout, times: Mapping[str, Times]) -> Iterator[Finding]:
    """Every tier of every guardrail."""
    del times
    for guardrail in rollout.guardrails:
        for alert in guardrail.alerts:
            wrong = _too_short(alert) or _nowhere(alert, guardrail, rollout)
            if wrong is not None:
                what, cure = wrong
                said = f"has a {alert.tier} tier that can never fire: {what}"
                yield finding(NAME, alert.where, said, cure, about=guardrail)


def _too_short(alert: plan.Alert) -> tuple[str, str] | None:
    if alert.during is None or alert.hold < alert.during:
        return None
    what = f"it counts for {span(alert.during)} and holds for {span(alert.hold)}"
    return what, "shorten hold=, or lengthen during="


def _nowhere(alert: plan.Alert, guardrail: plan.Guardrail, rollout: plan.Rollout) -> tuple[str, str] | None:
    """Why none of its conditions can be breached anywhere; None where one can."""
    reasons = []
    for condition in alert.conditions:
        why = _impossible(condition)
        stages = [stage.name for stage in rollout.stages if _judged(condition, guardrail, stage, rollout)]
        if why is None and (stages or (alert.during is None and _outside(condition, rollout))):
            return None
        reasons.append(
            why or ("there is no stage in which it judges anything", "give it a limit in another stage")
        )
    return reasons[0] if reasons else None


def _impossible(condition: plan.Condition) -> tuple[str, str] | None:
    measure = condition.signal.measure
    if isinstance(measure, plan.State) and condition.state is not None:
        state = (measure.label, "=", condition.state)
        if plan.Selector(measure.metric.metric, (*measure.metric.matchers, state)).contradiction is not None:
            return f"{measure.metric} is never '{condition.state}'", "correct the matcher or the state"
    if isinstance(measure, plan.While) and _never(measure):
        return "what it is bound to never holds", "let at_most= be 0 or more"
    return None


def _never(bound: plan.While) -> bool:
    """Whether the condition asks for a rate below 0."""
    return isinstance(bound.condition, plan.Rate) and bound.op is plan.Op.at_most and bound.bound < 0


def _judged(
    condition: plan.Condition, guardrail: plan.Guardrail, stage: plan.Stage, rollout: plan.Rollout
) -> bool:
    if condition.figure_in(stage.name) is None or (guardrail.arms is not None and not stage.has_canary):
        return False
    reference = condition.reference
    if reference is None or reference.kind is not plan.ReferenceKind.previous_stage:
        return stage.has_both or reference is None or reference.kind is not plan.ReferenceKind.stable
    stages = [one.name for one in rollout.stages]
    before = -1 if reference.stage is None else stages.index(reference.stage)
    return stages.index(stage.name) > max(before, 0)


def _outside(condition: plan.Condition, rollout: plan.Rollout) -> bool:
    """Whether it judges anything while no attempt runs, or where there are no stages."""
    reference = condition.reference
    always = reference is None or reference.kind is plan.ReferenceKind.ago
    return condition.figure_in(None) is not None and (always or not rollout.stages)
