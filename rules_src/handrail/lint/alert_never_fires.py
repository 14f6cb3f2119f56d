"""alert-never-fires: there is no stage in which a tier can be breached, so its alert never fires.

Examples: a limit for a stage in which the canary has no traffic; a limit relative to the stable arm in the stage in which
the canary has all traffic; one relative to the previous stage in the first stage; a tier that counts for five minutes
(`during="5m"`) and must be sustained for ten; a state that the series' own matchers exclude; a measure with a condition
that excludes such a value: a gauge above 10 while the same gauge is at most 5. Such a tier looks
like a guard and is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

from handrail import plan
from handrail.lint.common.finding import Finding, finding
from handrail.plan.timing import Times
from handrail.units import plain, seconds, span

NAME = "alert-never-fires"


def check(rollout: plan.Rollout, times: Mapping[str, Times]) -> Iterator[Finding]:
    """Every tier of every guardrail."""
    del times
    for guardrail in rollout.guardrails:
        for alert in guardrail.alerts:
            wrong = _too_short(alert, rollout.evaluate) or _nowhere(alert, guardrail, rollout)
            if wrong is not None:
                what, cure = wrong
                said = f"has a {alert.tier} tier that can never fire: {what}"
                yield finding(NAME, alert.where, said, cure, about=guardrail)


def _too_short(alert: plan.Alert, evaluate: timedelta) -> tuple[str, str] | None:
    """What must be sustained is so at the first evaluation that is as late, and the breach must last until then."""
    lasts = -(-alert.sustained // evaluate) * evaluate
    if alert.during is None or lasts < alert.during:
        return None
    rounded = "" if lasts == alert.sustained else f", which takes evaluations for {span(lasts)}"
    what = f"it counts for {span(alert.during)} and must be sustained for {span(alert.sustained)}{rounded}"
    return what, "shorten sustained=, or lengthen during="


def _nowhere(alert: plan.Alert, guardrail: plan.Guardrail, rollout: plan.Rollout) -> tuple[str, str] | None:
    """Why none of its conditions can be breached anywhere; None where one can."""
    reasons = []
    for condition in alert.conditions:
        why = _impossible(condition)
        stages = [stage.name for stage in rollout.stages if rollout.judges(condition, guardrail, stage)]
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
    if isinstance(measure, plan.While):
        return _excluded(condition, measure)
    return None


def _excluded(condition: plan.Condition, bound: plan.While) -> tuple[str, str] | None:
    """Why the condition leaves nothing to judge, where it looks at the series that is measured."""
    cure = "let the condition look at something else, or correct its figure"
    judged, held, most = bound.measure, bound.condition, bound.bound
    if judged != held:
        same = (
            isinstance(held, plan.Rate)
            and (held.counters, held.window) == (_counted(judged), judged.width)
            and {*held.by} <= {*judged.labels}
        )
        if not same or bound.op is not plan.Op.at_most:
            return None
        most = most if isinstance(judged, plan.Rate) else round(most * seconds(judged.width), 6)
    if isinstance(judged, plan.Ratio):
        least = condition.least_bad or judged.min_events
        few = most < least
        what = f"its condition leaves {plain(most)} events in {span(judged.window)}, and it needs {least}"
        return (what, cure) if few else None
    if condition.reference is not None or any(
        _left(condition.op, figure, bound.op, most) for figure in condition.figures
    ):
        return None
    return "the condition it is bound to leaves nothing beyond the limit", cure


def _left(op: plan.Op, figure: Decimal, bound: plan.Op, most: Decimal) -> bool:
    """Whether a value may be beyond `figure` and meet the condition."""
    rising = op in (plan.Op.above, plan.Op.at_least)
    if bound is plan.Op.at_most:
        return op.breached(most, figure) if rising else True
    return True if rising else figure > most


def _counted(measure: plan.Measure) -> tuple[plan.Selector, ...] | None:
    """The events of which there cannot be more than the condition lets be."""
    if isinstance(measure, plan.Ratio):
        return measure.whole
    if isinstance(measure, plan.Rate):
        return measure.counters
    return measure.counters if isinstance(measure, plan.Increase) and measure.bound is None else None


def _outside(condition: plan.Condition, rollout: plan.Rollout) -> bool:
    """Whether it judges anything while no attempt runs, or where there are no stages."""
    reference = condition.reference
    always = reference is None or reference.kind is plan.ReferenceKind.ago
    return condition.figure_in(None) is not None and (always or not rollout.stages)
