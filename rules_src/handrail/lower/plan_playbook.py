"""A declared rollout with its lowered guardrails → the playbook the receiver loads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import takewhile, zip_longest

from handrail import contract, plan
from handrail.contract import names
from handrail.declare.freezes import days_of
from handrail.declare.guardrail import Guardrail as DeclaredGuardrail
from handrail.declare.guardrail import Tier
from handrail.declare.rollout import Reduced, Rollout
from handrail.declare.rollout import Stage as DeclaredStage
from handrail.lower.plan_checks import lower_bursts, lower_checks, lower_probe
from handrail.lower.plan_dashboards import dashboard_facts
from handrail.lower.plan_gates import lower_gates, seconds_of
from handrail.lower.plan_proof import counted, lower_proof, of_arm
from handrail.lower.plan_reports import lower_figures, lower_objectives, lower_report
from handrail.lower.raw_series import required_series
from handrail.lower.rollout_context import RolloutContext
from handrail.promql import captures, comparisons, values
from handrail.promql.failed_events import failed_events
from handrail.promql.syntax import either
from handrail.report.wording import reference_words, words
from handrail.units import amount, span


def lower_playbook(
    rollout: Rollout, guardrails: tuple[plan.Guardrail, ...], context: RolloutContext
) -> contract.Playbook:
    """Stages with their steps, gates, tiers, and the steps of each action."""
    return contract.Playbook(
        rollout=rollout.name,
        service=rollout.service,
        environment=context.environment,
        arms=_arms(rollout, guardrails, context),
        stages=tuple(_stage(rollout, stage, context) for stage in rollout.stages),
        gates=lower_gates(rollout, guardrails, context),
        guardrails=tuple(
            _facts(written, lowered, context)
            for written, lowered in zip_longest(rollout.guardrails, guardrails)
        ),
        actions=_actions(rollout, guardrails, context),
        checks=lower_checks(rollout, context),
        checks_while_firing=seconds_of(rollout.checks_while_firing, context),
        probes=tuple(lower_probe(probe, context) for probe in rollout.probes),
        bursts=lower_bursts(rollout, context),
        budget_per_day=rollout.rollbacks_per_day,
        keep=seconds_of(rollout.keep, context) or 0,
        watch_after=seconds_of(rollout.watch_after, context) or 0,
        freezes=tuple(
            contract.Freeze(begins=one.begins.timestamp(), ends=one.ends.timestamp(), why=one.why)
            for freeze in rollout.freezes
            for one in freeze.spans
        ),
        hours=tuple(
            contract.Hours(days=days_of(one.days), begins=one.begins, ends=one.ends, zone=one.zone)
            for one in rollout.hours
        ),
        waits_for=tuple(rollout.waits_for),
        goes_back_with=tuple(rollout.goes_back_with),
        report=lower_report(rollout),
        figures=lower_figures(rollout, context),
        objectives=lower_objectives(rollout, context),
        acknowledge=tuple(
            contract.Acknowledge(
                within=context.scale.duration(one.within).total_seconds(), who=one.who, tell=tuple(one.tell)
            )
            for one in rollout.acknowledge
        ),
        runbook_url=context.runbook_url,
        dashboard_url=context.dashboard(),
        dashboards=dashboard_facts(rollout, context),
    )


def _arms(
    rollout: Rollout, guardrails: tuple[plan.Guardrail, ...], context: RolloutContext
) -> contract.Arms | contract.OpenArms | None:
    arms = rollout.arms
    if arms is None:
        return None
    if isinstance(arms.canary, str) and isinstance(arms.stable, str):
        return contract.Arms(label=arms.label, canary=arms.canary, stable=arms.stable)
    canary, stable = (None if isinstance(one, str) else one for one in (arms.canary, arms.stable))
    measure = counted(guardrails)
    traffic = None
    if measure is not None:
        version = (arms.label, "=", contract.CANARY_VERSION)
        traffic = values.traffic(of_arm(measure, version, context.scale.duration(rollout.scrape) * 4), ())
    return contract.OpenArms(label=arms.label, canary=canary, stable=stable, traffic=traffic or "")


def _stage(rollout: Rollout, stage: DeclaredStage, context: RolloutContext) -> contract.StageFacts:
    weight = None if stage.weight is None else amount(stage.weight).value
    return contract.StageFacts(
        name=stage.name,
        weight=None if weight is None else float(weight),
        bake=seconds_of(stage.bake, context),
        enter=(*_split(rollout, weight), *stage.enter),
        advance=stage.advance,
        warm_up=seconds_of(stage.warm_up, context) or 0,
        deadline=seconds_of(stage.deadline, context),
        at_deadline=stage.at_deadline,
        prolong=seconds_of(stage.prolong, context),
    )


def _split(rollout: Rollout, weight: Decimal | None) -> tuple[contract.HAProxyWeight, ...]:
    if rollout.split is None or weight is None:
        return ()
    canary = round(weight * 100)
    return (
        rollout.split.weight(rollout.split.stable, 100 - canary),
        rollout.split.weight(rollout.split.canary, canary),
    )


def _facts(
    written: DeclaredGuardrail | None, lowered: plan.Guardrail, context: RolloutContext
) -> contract.GuardrailFacts:
    """One that comes by itself was not written."""
    declared = written.tiers if written else [None] * len(lowered.alerts)
    tiers = [
        _tier(alert, lowered, tier, context) for tier, alert in zip(declared, lowered.alerts, strict=True)
    ]
    return contract.GuardrailFacts(
        name=lowered.name,
        title=lowered.title,
        unit=lowered.signals[0].unit,
        tiers=(
            *tiers,
            *(_tier(alert, lowered, None, context) for alert in lowered.every_alert[len(tiers) :]),
        ),
        references=tuple(_captures(written, lowered, context)) if written else (),
        needs=tuple(_needs(lowered)) if lowered.seen is None else (),
        failed="" if lowered.split else _failed(lowered),
        only_while=tuple(
            one.name for one in lowered.signals if isinstance(one.measure, plan.While) or lowered.seen
        ),
    )


def _failed(guardrail: plan.Guardrail) -> str:
    """The query for how many requests of the judged arm failed; empty if the measure counts none."""
    measure, arms = guardrail.signals[0].measure, guardrail.arms
    if arms is not None and not isinstance(measure, plan.PromQL):
        version = contract.CANARY_VERSION if arms.told else arms.canary
        measure = of_arm(measure, (arms.label, "=", version), measure.width)
    return failed_events(measure) or ""


def _needs(guardrail: plan.Guardrail) -> Iterator[tuple[str, ...]]:
    """The series without which the guardrail is blind, of either arm: before the first stage there is no canary."""
    groups = [
        tuple(str(one) for series in any_of for one in _of_either(series, signal, guardrail.arms))
        for signal in guardrail.signals
        for any_of in required_series(signal.measure)
    ]
    yield from dict.fromkeys(groups)


def _of_either(
    series: plan.Selector, signal: plan.Signal, arms: plan.Arms | None
) -> tuple[plan.Selector, ...]:
    if arms is not None and arms.told:
        apart = not isinstance(signal.measure, plan.PromQL)
        return _of_each(series, arms.label) if apart else (series,)
    if arms is None or all(label != arms.label for label, _, _ in series.matchers):
        return (series,)
    others = tuple(matcher for matcher in series.matchers if matcher[0] != arms.label)
    both = (arms.label, "=~", either((arms.canary, arms.stable)))
    return (plan.Selector(series.metric, (*others, both)),)


def _of_each(series: plan.Selector, label: str) -> tuple[plan.Selector, ...]:
    """Of the version that is stable or of the canary, which are known when an attempt starts."""
    versions = (contract.STABLE_VERSION, contract.CANARY_VERSION)
    return tuple(series.where((label, "=", version)) for version in versions)


def _tier(
    alert: plan.Alert, guardrail: plan.Guardrail, tier: Tier | None, context: RolloutContext
) -> contract.TierFacts:
    confirm = tier.confirm if tier else None
    return contract.TierFacts.model_validate(
        {
            "tier": alert.tier,
            "alertname": alert.name,
            "severity": alert.severity,
            "action": alert.action,
            "expr": alert.expr,
            "shadow": guardrail.shadow,
            "opens_incident": not guardrail.shadow and _wakes_people(alert, context.rollout),
            "limits": tuple(_limit(condition, guardrail, context) for condition in alert.conditions),
            "resume_after": seconds_of(tier.resume_after, context) if tier else None,
            "confirmation": confirm
            and {
                "after": context.scale.duration(confirm.after).total_seconds(),
                "expr": alert.expr,
                "unreachable": confirm.unreachable,
            },
        }
    )


def _wakes_people(alert: plan.Alert, rollout: Rollout) -> bool:
    """Whether the alert is an emergency, or escalates to a level."""
    if alert.tier == names.THIN:
        return False
    escalates = any(not one.severities or alert.severity in one.severities for one in rollout.escalation)
    return escalates or alert.tier == names.TIERS[-1]


def _limit(
    condition: plan.Condition, guardrail: plan.Guardrail, context: RolloutContext
) -> contract.LimitFacts:
    reference = condition.reference
    return contract.LimitFacts(
        signal=condition.signal.name,
        op=condition.op.value,
        figures=tuple(
            contract.StageFigure(stage=limit.stage, figure=limit.figure) for limit in condition.limits
        ),
        reference=None if reference is None else reference_words(reference),
        points=condition.points,
        state=condition.state,
        floor=condition.floor,
        least=condition.least,
        text=words(condition),
        past=_past(condition, guardrail, context),
    )


def _past(condition: plan.Condition, guardrail: plan.Guardrail, context: RolloutContext) -> str:
    """The query for the figure of some time ago, if one figure is compared with all that is judged."""
    reference, signal = condition.reference, condition.signal
    if reference is None or reference.ago is None or signal.name or signal.measure.labels:
        return ""
    scope = comparisons.Scope(context.rollout.name, guardrail.name, context.stages, guardrail.arms)
    return comparisons.value_then(signal, scope, reference.ago)


def _captures(
    written: DeclaredGuardrail, guardrail: plan.Guardrail, context: RolloutContext
) -> Iterator[contract.ReferenceQuery]:
    """The figures to capture. Before the rollout there is no canary, so the stable arm's figure is captured."""
    used = [condition for alert in guardrail.alerts for condition in alert.conditions]
    used += [criterion.condition for criterion in guardrail.success]
    references = {condition.reference for condition in used if condition.reference is not None}
    main, scope = guardrail.signals[0], context.scope_of(written)
    every, hour = (span(context.scale.duration(text)) for text in (context.rollout.evaluate, "1h"))
    for reference in references:
        if reference.kind is plan.ReferenceKind.before:
            expr = captures.captured_from(main, scope, hour, every, stable=True, over=reference.over)
            yield contract.ReferenceQuery(reference=names.BEFORE, expr=expr)
    ends = {
        stage
        for reference in references
        if reference.kind is plan.ReferenceKind.previous_stage
        for stage in plan.compared_stages(reference, context.stages, guardrail.arms).values()
    }
    for stage in context.stages:
        if stage.name in ends:
            expr = captures.captured_from(
                main, scope, span(_of_stage(stage, main, context)), every, stable=False
            )
            yield contract.ReferenceQuery(reference=names.stage_reference(stage.name), expr=expr)


def _of_stage(stage: plan.Stage, main: plan.Signal, context: RolloutContext) -> timedelta:
    """The part of a stage that the captured mean is taken over: all of it, or only its end if each value looks back
    over all of it.
    """
    window: timedelta | None = getattr(main.measure.inner, "window", None)
    if stage.bake is None:
        return context.scale.duration("1h")
    if window is None or window < stage.bake:
        return stage.bake
    return max(stage.bake / _PARTS, 2 * context.scale.duration(context.rollout.evaluate))


_PARTS = 288
"""The end of a day is its last five minutes."""


def _actions(
    rollout: Rollout, guardrails: tuple[plan.Guardrail, ...], context: RolloutContext
) -> tuple[contract.Action, ...]:
    rollback = _rollback(rollout, rollout.rollback)
    emergency = rollback if rollout.emergency is None else _rollback(rollout, rollout.emergency)
    security = rollback if rollout.security is None else _rollback(rollout, rollout.security)
    proof = lower_proof(rollout, guardrails, context)
    told = tuple(rollout.tell)
    told_of_each = (*told, *rollout.tell_rollback)
    return (
        contract.Action(name="investigate", tell=told),
        contract.Action(name="hold", tell=told),
        *([] if rollout.reduced is None else [_reduce(rollout, rollout.reduced)]),
        contract.Action(name="rollback", steps=rollback, proof=proof, tell=told_of_each),
        contract.Action(
            name="emergency-rollback",
            steps=emergency,
            proof=proof,
            tell=(*told_of_each, *rollout.tell_emergency),
        ),
        contract.Action(
            name="security-rollback",
            steps=security,
            proof=proof,
            tell=(*told_of_each, *rollout.tell_security),
        ),
    )


def _reduce(rollout: Rollout, reduced: Reduced) -> contract.Action:
    weight = None if reduced.weight is None else amount(reduced.weight).value
    return contract.Action(
        name=names.REDUCE,
        steps=(*_split(rollout, weight), *reduced.enter),
        tell=tuple(rollout.tell),
        weight=None if weight is None else float(weight),
    )


def _rollback(rollout: Rollout, declared: Sequence[contract.Step]) -> tuple[contract.Step, ...]:
    """The declared steps with the split's weights: leading flags first, then the weights, then slower steps like a deploy.

    Every rollback sets the weights, because none is proved while the canary has traffic. A weight that is declared as
    a step of its own is not set twice.
    """
    steps, split = tuple(declared), rollout.split
    if split is None:
        return steps
    flags = tuple(takewhile(_sets_a_flag, steps))
    own = {step.server for step in steps if isinstance(step, contract.HAProxyWeight)}
    weights = (split.weight(split.stable, 100), split.weight(split.canary, 0))
    return (*flags, *(step for step in weights if step.server not in own), *steps[len(flags) :])


def _sets_a_flag(step: contract.Step) -> bool:
    """Whether the step changes a feature flag, which takes effect at once."""
    match step:
        case contract.FlagOff() | contract.FlagShare() | contract.LaunchDarklyOff():
            return True
        case contract.HAProxyWeight() | contract.HAProxyState() | contract.RolloutAbort():
            return False
        case contract.DeploymentImage() | contract.GitValue() | contract.HttpCall() | contract.Command():
            return False
