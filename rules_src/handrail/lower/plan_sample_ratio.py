"""A rollout whose arms are told apart → the guardrail that compares their traffic with the asked shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from handrail import plan
from handrail.base import where_of
from handrail.contract import names
from handrail.declare.guardrail import Guardrail
from handrail.declare.rollout import Rollout, counts_both
from handrail.declare.sample_ratio import SampleRatio
from handrail.lower.plan_measures import lower_measure
from handrail.lower.rollout_context import RolloutContext, lower_arms
from handrail.promql import split_shares
from handrail.promql.arm_versions import joined, told_versions, versions_of
from handrail.promql.counting import counted, targets_from_zero
from handrail.promql.syntax import by, either
from handrail.promql.together import together
from handrail.promql.values import counter_of
from handrail.report.wording import NOT_PASSED, limits
from handrail.units import Unit, amount, plain, span

TITLE = "Canary's share of the traffic"
AS_ASKED = "as asked for, allowing for chance"
_RUNBOOK = plan.Runbook(
    "Perhaps nothing yet. But the canary gets more or less traffic than its stage asks for, so no comparison of the arms can be trusted.",
    (
        "Which weights does the load balancer have? Compare them with the stage's share.",
        "Do all of the canary's servers take traffic? Are they healthy, and do all have their label in Prometheus?",
        "Is each request split independently? Sticky sessions need `per_choice=`; users split by a flag need `sample_ratio=SampleRatio(off=…)`.",
    ),
    (
        "Correct the weights. Then wait until the window has passed, or resume with the reason.",
        "If nobody can say where the traffic goes, roll back.",
    ),
)
_DAY = "1d"
_BLIND_AFTER = "5m"
_SETTLES = "1m"


def lower_sample_ratio(rollout: Rollout, context: RolloutContext) -> plan.Guardrail | None:
    """The guardrail; None if the rollout gives nothing to compare, or switches it off."""
    arms = lower_arms(rollout.arms)
    if arms is None or not rollout.compares_split:
        return None
    said = rollout.sample_ratio or SampleRatio()
    counting = next(one for one in rollout.guardrails if counts_both(one))
    judged = _judged(said, counting, rollout, arms, context)
    signal = _signal(judged, rollout, arms, context)
    low, high = _tolerated(signal, judged, context)
    alert = _alert((high, low), judged, said, context)
    return plan.Guardrail(
        name=names.SAMPLE_RATIO,
        title=TITLE,
        arms=arms,
        alert_labels=(),
        signals=(signal,),
        info=plan.Recording(
            names.INFO,
            "vector(1)",
            (
                *_own(rollout),
                (names.SERVICE, rollout.service),
                ("unit", Unit.ratio.value),
                (names.MODE, "active"),
            ),
        ),
        versions=plan.Recording(names.ARMS, told_versions(rollout.name, arms.label), _own(rollout))
        if arms.told
        else None,
        alerts=(alert,),
        blind=_blind(judged, context),
        thin=None,
        success=(plan.Success(high, AS_ASKED, alert.expr, str(signal.value), str(signal.events)),),
        shadow=False,
        runbook=_RUNBOOK,
        where=where_of(rollout),
        split=judged,
    )


def _own(rollout: Rollout) -> tuple[tuple[str, str], ...]:
    return ((names.ROLLOUT, rollout.name), (names.GUARDRAIL, names.SAMPLE_RATIO))


def _recorded(metric: str, rollout: Rollout) -> plan.Selector:
    return plan.Selector(metric, tuple((label, "=", text) for label, text in _own(rollout)))


def _judged(
    said: SampleRatio, counting: Guardrail, rollout: Rollout, arms: plan.Arms, context: RolloutContext
) -> plan.SampleRatio:
    scale, requests = context.scale, _recorded(names.SPLIT_REQUESTS, rollout)
    looks = scale.duration(_DAY) / scale.duration(rollout.evaluate)
    alpha = amount(said.false_alarms).value
    return plan.SampleRatio(
        counted=_series(counting, arms, context),
        most=1 + amount(said.tolerate).value,
        window=scale.duration(said.window),
        settle=2 * (scale.duration(rollout.evaluate) + scale.duration(rollout.scrape))
        + scale.duration(_SETTLES),
        per_choice=said.per_choice,
        least=(Decimal(round(looks)) / alpha).quantize(Decimal(1)),
        canary=requests.where(arms.of_canary),
        stable=requests.where(arms.of_stable),
        evidence=_recorded(names.SPLIT_EVIDENCE, rollout),
    )


def _series(counting: Guardrail, arms: plan.Arms, context: RolloutContext) -> tuple[plan.Selector, ...]:
    """The counters of the requests of both arms."""
    measuring = context.measuring
    if not arms.told:
        both = (arms.label, "=~", either((arms.canary, arms.stable)))
        measuring = replace(measuring, matchers=(*measuring.matchers, both))
    counter = counter_of(lower_measure(counting.measure, measuring)[0])
    if counter is None:
        raise TypeError(f"{counting.name} counts no requests")
    return counter[0]


def _signal(
    judged: plan.SampleRatio, rollout: Rollout, arms: plan.Arms, context: RolloutContext
) -> plan.Signal:
    value, events = (_recorded(metric, rollout) for metric in (names.VALUE, names.EVENTS))
    return plan.Signal(
        name="",
        measure=plan.Ratio(judged.counted, judged.counted, judged.window, 1, 1, bad=True),
        unit=Unit.ratio,
        value=value.where(arms.of_canary),
        events=events.where(arms.of_canary),
        traffic=None,
        by=(arms.label,),
        recordings=tuple(_recordings(judged, rollout, arms, context)),
    )


def _recordings(
    judged: plan.SampleRatio, rollout: Rollout, arms: plan.Arms, context: RolloutContext
) -> Iterator[plan.Recording]:
    """The requests of each evaluation, what they say of the split, and the shares of the window."""
    every, own = context.scale.duration(rollout.evaluate), _own(rollout)
    asked, from_zero = (_recorded(metric, rollout) for metric in (names.SPLIT_ASKED, names.FROM_ZERO))
    requests, events = (_recorded(metric, rollout) for metric in (names.SPLIT_REQUESTS, names.EVENTS))
    targets = targets_from_zero([one.without(arms.label) for one in judged.counted], every)
    new = by("sum", (arms.label,), together(judged.counted, lambda one: counted(one, every, from_zero)))
    if arms.told:
        new = joined(new, versions_of(rollout.name, names.SAMPLE_RATIO, arms.label))
    ratios = _recorded(names.SPLIT_LIKELIHOOD, rollout)
    yield plan.Recording(names.SPLIT_ASKED, split_shares.asked_share(rollout.name, judged.settle), own)
    yield plan.Recording(names.FROM_ZERO, targets, own)
    yield plan.Recording(names.SPLIT_REQUESTS, split_shares.told_share(new, asked), own)
    yield from split_shares.likelihoods(
        own, judged.canary, judged.stable, asked, judged.most, judged.per_choice
    )
    told = (arms.label, names.ARM) if arms.told else (arms.label,)
    in_window = split_shares.requests(requests, told, asked, judged.window)
    yield plan.Recording(names.SPLIT_EVIDENCE, split_shares.evidence(ratios, asked, judged.window), own)
    yield plan.Recording(names.EVENTS, in_window, own)
    yield plan.Recording(names.VALUE, split_shares.shares(events), own)


def _tolerated(
    signal: plan.Signal, judged: plan.SampleRatio, context: RolloutContext
) -> tuple[plan.Condition, plan.Condition]:
    """The shares below and above which it is a mismatch, for each stage in which both arms have traffic."""
    ends: list[tuple[str, tuple[Decimal, Decimal]]] = [
        (stage.name, judged.tolerated(stage.weight))
        for stage in context.stages
        if stage.weight is not None and stage.has_both
    ]
    return (
        plan.Condition(signal, plan.Op.below, tuple(plan.StageLimit(name, low) for name, (low, _) in ends)),
        plan.Condition(signal, plan.Op.above, tuple(plan.StageLimit(name, high) for name, (_, high) in ends)),
    )


def _alert(
    conditions: tuple[plan.Condition, ...],
    judged: plan.SampleRatio,
    said: SampleRatio,
    context: RolloutContext,
) -> plan.Alert:
    rollout, tier = context.rollout, names.TIERS[0]
    severity = context.severity(tier)
    alert = plan.Alert(
        name=names.alert_name(rollout.name, names.SAMPLE_RATIO, tier),
        tier=tier,
        severity=severity,
        action=said.action,
        expr=f"{conditions[0].signal.value}\nand on () {judged.evidence} >= {plain(judged.least)}",
        sustained=timedelta(),
        keep_firing_for=timedelta(),
        labels=context.labels(names.SAMPLE_RATIO, tier, severity, said.action),
        summary=f"{rollout.name}: {TITLE}: {tier}, {said.action}",
        description="",
        conditions=conditions,
        during=None,
        note=None,
        where=where_of(rollout),
    )
    return replace(
        alert,
        description=f"{TITLE}: {{{{ $value | humanizePercentage }}}} in the last {span(judged.window)}. "
        f"{tier.capitalize()} means {limits(alert)}, over too many requests to be chance.",
    )


def _blind(judged: plan.SampleRatio, context: RolloutContext) -> plan.Alert:
    rollout, severity = context.rollout, context.severity(names.TIERS[0])
    every, scrape = (context.scale.duration(one) for one in (rollout.evaluate, rollout.scrape))
    asked = _recorded(names.SPLIT_ASKED, rollout)
    return plan.Alert(
        name=names.alert_name(rollout.name, names.SAMPLE_RATIO, names.BLIND),
        tier=names.BLIND,
        severity=severity,
        action="hold",
        expr=split_shares.unknown_split(
            rollout.name, judged.canary, judged.stable, asked, 2 * (every + scrape)
        ),
        sustained=context.scale.duration(_BLIND_AFTER),
        keep_firing_for=timedelta(),
        labels=context.labels(names.SAMPLE_RATIO, names.BLIND, severity, "hold"),
        summary=f"{rollout.name}: {TITLE}: blind, hold",
        description=f"{TITLE} cannot be judged: {{{{ $labels.reason }}}}. {NOT_PASSED}",
        conditions=(),
        during=None,
        note=None,
        where=where_of(rollout),
    )
