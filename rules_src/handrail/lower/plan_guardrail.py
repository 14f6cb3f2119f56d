"""A declared guardrail → the plan's: signals, alerts by tier, `blind`, success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from textwrap import dedent

from handrail import plan
from handrail.base import where_of
from handrail.contract import ActionName, names
from handrail.declare import guardrail as declared
from handrail.declare import runbooks
from handrail.declare.limits import Changed, Is, Limit, OverStage
from handrail.lower.alert_labels import alert_labels
from handrail.lower.plan_conditions import lower_condition
from handrail.lower.plan_signals import lower_signals
from handrail.lower.raw_series import required_series
from handrail.lower.rollout_context import RolloutContext
from handrail.promql import blindness, comparisons, judgeable
from handrail.promql.arm_versions import told_versions
from handrail.promql.data_present import data_there
from handrail.report.wording import NOT_PASSED, OVER_STAGE, literal, reason, words
from handrail.units import Unit

ACTING_KEEPS = timedelta(minutes=10)


def lower_guardrail(guardrail: declared.Guardrail, context: RolloutContext) -> plan.Guardrail:
    """Everything the targets need to know about one guardrail."""
    signals = lower_signals(guardrail, context)
    scope, arms = context.scope_of(guardrail), context.arms_of(guardrail)
    tiers: _Tiers = [(tier, _tier_conditions(guardrail, tier, signals, context)) for tier in guardrail.tiers]
    if guardrail.order == "tighten":
        tiers = _tightened(tiers, context)
    alerts = tuple(_alert(guardrail, tier, conditions, context) for tier, conditions in tiers)
    success = tuple(
        _success(guardrail, limit, over, signals[""], context) for limit, over in guardrail.criteria
    )
    used = tuple(c for _, conditions in tiers for c in conditions) + tuple(
        criterion.condition for criterion in success
    )
    return plan.Guardrail(
        name=guardrail.name,
        title=guardrail.title or guardrail.name,
        arms=arms,
        alert_labels=alert_labels(signals.values(), arms),
        signals=tuple(signals.values()),
        info=_info(guardrail, context, signals[""]),
        versions=_versions(guardrail, context),
        alerts=alerts,
        blind=_blind(guardrail, tuple(signals.values()), used, scope, context),
        thin=_thin(guardrail, tuple(signals.values()), scope, context),
        success=success,
        shadow=guardrail.mode == names.SHADOW,
        runbook=lower_runbook(guardrail.runbook),
        where=where_of(guardrail),
        seen=_seen(guardrail, tuple(signals.values()), context),
    )


def _tier_conditions(
    guardrail: declared.Guardrail,
    tier: declared.Tier,
    signals: dict[str, plan.Signal],
    context: RolloutContext,
) -> tuple[plan.Condition, ...]:
    scale = context.scale
    main = signals["changes" if isinstance(tier.limit, Changed) else ""]
    first = lower_condition(main, tier.limit, guardrail.against, scale)
    rest = (lower_condition(signals[other.name], other.limit, other.against, scale) for other in tier.or_)
    return (first, *rest)


_Tiers = list[tuple[declared.Tier, tuple[plan.Condition, ...]]]


def _tightened(tiers: _Tiers, context: RolloutContext) -> _Tiers:
    """Tiers whose limits are tightened, so that in no stage a tier is looser than a more severe one."""
    done: _Tiers = []
    stages = [stage.name for stage in context.stages]
    severer: list[plan.Condition] = []
    for tier, conditions in reversed(tiers):
        first = conditions[0]
        for other in severer:
            first = _no_looser(first, other, stages)
        severer.append(first)
        done.append((tier, (first, *conditions[1:])))
    return done[::-1]


def _no_looser(condition: plan.Condition, severer: plan.Condition, stages: Sequence[str]) -> plan.Condition:
    if not _same_kind(condition, severer) or not (condition.staged or severer.staged):
        return condition
    tight = min if condition.is_upper else max
    limits = []
    for stage in stages:
        own, other = condition.figure_in(stage), severer.figure_in(stage)
        figures = [figure for figure in (own, other) if figure is not None]
        # A stage that has no limit of this tier's keeps having none, whatever holds otherwise.
        limits.append(plan.StageLimit(stage, None if own is None else tight(figures)))
    outside = condition.figure_in(None)
    rest = () if outside is None else (plan.StageLimit(None, outside),)
    return replace(condition, limits=(*limits, *rest))


def _same_kind(one: plan.Condition, other: plan.Condition) -> bool:
    """Whether the two can be compared: same signal, same reference, same direction."""
    figures = one.reference == other.reference and one.points == other.points
    return figures and one.signal == other.signal and one.is_upper == other.is_upper and not one.state


def _alert(
    guardrail: declared.Guardrail,
    tier: declared.Tier,
    conditions: tuple[plan.Condition, ...],
    context: RolloutContext,
) -> plan.Alert:
    scale = context.scale
    scope = context.scope_of(guardrail)
    keep = scale.maybe(tier.keep_firing_for)
    if keep is None:
        keep = scale.time(ACTING_KEEPS) if tier.action in names.ACTING else timedelta()
    during = scale.maybe(tier.during)
    return plan.Alert(
        name=names.alert_name(context.rollout.name, guardrail.name, tier.tier),
        tier=tier.tier,
        severity=context.severity(tier.tier, tier.severity),
        action=tier.action,
        expr=_any_of(conditions, scope, during, attempt=tier.of == "attempt"),
        sustained=scale.duration(tier.sustained),
        keep_firing_for=keep,
        labels=context.labels(
            guardrail.name, tier.tier, context.severity(tier.tier, tier.severity), tier.action, guardrail.mode
        ),
        summary=f"{context.rollout.name}: {_title(guardrail)}: {tier.tier}, {tier.action}",
        description=_description(guardrail, tier, conditions, context.arms_of(guardrail)),
        conditions=conditions,
        during=during,
        note=tier.note,
        where=where_of(tier),
        since_attempt=tier.of == "attempt",
    )


def _any_of(
    conditions: tuple[plan.Condition, ...],
    scope: comparisons.Scope,
    during: timedelta | None,
    *,
    attempt: bool,
) -> str:
    reasons = [comparisons.fires(condition, scope) for condition in conditions]
    expr = reasons[0] if len(reasons) == 1 else "\nor ".join(f"({reason})" for reason in reasons)
    if during is None:
        return expr
    return f"({expr})\nand {comparisons.since_start(scope.rollout, during, attempt=attempt)}"


_VALUE_TEXT = {
    Unit.ratio: "{{ $value | humanizePercentage }}",
    Unit.seconds: "{{ $value | humanizeDuration }}",
    Unit.bytes: "{{ $value | humanize }}B",
    Unit.per_second: "{{ $value | humanize }}/s",
    Unit.number: "{{ $value | humanize }}",
}


def _title(guardrail: declared.Guardrail) -> str:
    return literal(guardrail.title or guardrail.name)


def _description(
    guardrail: declared.Guardrail,
    tier: declared.Tier,
    conditions: tuple[plan.Condition, ...],
    arms: plan.Arms | None,
) -> str:
    limits = literal(", or ".join(map(reason, conditions)))
    units = {condition.signal.unit for condition in conditions}
    shown = _VALUE_TEXT[units.pop()] if len(units) == 1 else "{{ $value | humanize }}"
    note = f" {literal(tier.note)}" if tier.note else ""
    known = arms is not None and all(arms.label in condition.signal.by for condition in conditions)
    whose = (
        f" of {arms.label} {{{{ $labels.{arms.label} }}}}" if arms is not None and arms.told and known else ""
    )
    return f"{_title(guardrail)}{whose}: {shown}. {tier.tier.capitalize()} means {limits}.{note}"


def _blind(
    guardrail: declared.Guardrail,
    signals: tuple[plan.Signal, ...],
    used: tuple[plan.Condition, ...],
    scope: comparisons.Scope,
    context: RolloutContext,
) -> plan.Alert:
    grave = any(tier.action in names.ACTING or tier.tier == names.TIERS[-1] for tier in guardrail.tiers)
    timed = {tier.of for tier in guardrail.tiers if tier.during is not None}
    missing = blindness.cannot_see(signals, used, scope, timed=timed)
    if guardrail.optional:
        missing = blindness.once_seen(missing, _remembers(guardrail, context))
    return _unjudged(
        guardrail,
        context,
        names.BLIND,
        severity=context.severity("critical" if grave else "warning"),
        action="hold",
        expr=missing,
        sustained=context.scale.duration(guardrail.blind_after),
        why=f"cannot be judged: {{{{ $labels.reason }}}}. {NOT_PASSED}",
    )


def _thin(
    guardrail: declared.Guardrail,
    signals: tuple[plan.Signal, ...],
    scope: comparisons.Scope,
    context: RolloutContext,
) -> plan.Alert | None:
    """The `thin` alert: there are events, but for a long time too few to judge. None if no measure needs a number of
    events.
    """
    expr, sustained = blindness.too_thin(signals, scope), context.scale.maybe(guardrail.thin_after)
    if not expr or sustained is None:
        return None
    few = "{{ $value | humanize }} events in its window are too few"
    counts = (
        f"only a criterion {OVER_STAGE} includes these events"
        if any(over for _, over in guardrail.criteria)
        else "this time does not count towards the success criteria"
    )
    return _unjudged(
        guardrail,
        context,
        names.THIN,
        severity=context.severity("warning"),
        action="investigate",
        expr=expr,
        sustained=sustained,
        why=f"cannot be judged: {few}. Too little data is not a pass; {counts}.",
    )


def _unjudged(
    guardrail: declared.Guardrail,
    context: RolloutContext,
    tier: str,
    *,
    severity: str,
    action: ActionName,
    expr: str,
    sustained: timedelta,
    why: str,
) -> plan.Alert:
    return plan.Alert(
        name=names.alert_name(context.rollout.name, guardrail.name, tier),
        tier=tier,
        severity=severity,
        action=action,
        expr=expr,
        sustained=sustained,
        keep_firing_for=timedelta(),
        labels=context.labels(guardrail.name, tier, severity, action, guardrail.mode),
        summary=f"{context.rollout.name}: {_title(guardrail)}: {tier}, {action}",
        description=f"{_title(guardrail)} {why}",
        conditions=(),
        during=None,
        note=None,
        where=where_of(guardrail),
    )


def _success(
    guardrail: declared.Guardrail,
    limit: Limit,
    over: OverStage | None,
    main: plan.Signal,
    context: RolloutContext,
) -> plan.Success:
    named = lower_condition(main, limit, guardrail.against, context.scale)
    forbidden = limit.relative  # a rise or a drop names what must not happen
    failing = named if forbidden else replace(named, op=named.op.opposite)
    breached = comparisons.not_in_state if isinstance(limit, Is) else comparisons.fires
    text = f"not {words(named)}" if forbidden else words(named)
    return plan.Success(
        condition=failing,
        text=text if over is None else f"{text}, {OVER_STAGE}",
        breach=breached(failing, context.scope_of(guardrail)),
        seen=judgeable.seen(failing, context.scope_of(guardrail)),
        there=data_there(failing, context.scope_of(guardrail)),
        counted=None if over is None else plan.StageCount(over.min_events),
    )


def _versions(guardrail: declared.Guardrail, context: RolloutContext) -> plan.Recording | None:
    arms = context.arms_of(guardrail)
    if arms is None or not arms.told:
        return None
    labels = ((names.ROLLOUT, context.rollout.name), (names.GUARDRAIL, guardrail.name))
    return plan.Recording(names.ARMS, told_versions(context.rollout.name, arms.label), labels)


def _remembers(guardrail: declared.Guardrail, context: RolloutContext) -> plan.Selector:
    own = ((names.ROLLOUT, "=", context.rollout.name), (names.GUARDRAIL, "=", guardrail.name))
    return plan.Selector(names.SEEN, own)


def _seen(
    guardrail: declared.Guardrail, signals: tuple[plan.Signal, ...], context: RolloutContext
) -> plan.Recording | None:
    if not guardrail.optional:
        return None
    labels = ((names.ROLLOUT, context.rollout.name), (names.GUARDRAIL, guardrail.name))
    arms = context.arms_of(guardrail)
    series = [
        one if arms is None else one.without(arms.label)  # what the stable arm has, the canary must have too
        for signal in signals
        for any_of in required_series(signal.measure.inner)
        for one in any_of
    ]
    return plan.Recording(names.SEEN, blindness.ever_seen(series, _remembers(guardrail, context)), labels)


def _info(guardrail: declared.Guardrail, context: RolloutContext, main: plan.Signal) -> plan.Recording:
    labels = (
        (names.ROLLOUT, context.rollout.name),
        (names.GUARDRAIL, guardrail.name),
        (names.SERVICE, context.rollout.service),
        ("unit", main.unit.value),
        (names.MODE, guardrail.mode),
    )
    return plan.Recording(names.INFO, "vector(1)", labels)


def lower_runbook(runbook: runbooks.Runbook | None) -> plan.Runbook:
    """The runbook; empty if none is declared (a lint asks for one)."""
    if runbook is None:
        return plan.Runbook("", (), ())
    return plan.Runbook(
        runbook.impact, tuple(runbook.look), tuple(runbook.fix), lower_instructions(runbook.steps)
    )


def lower_instructions(instructions: Sequence[runbooks.Instruction]) -> tuple[plan.Instruction, ...]:
    """What is done by hand; commands without the indentation of the declaration."""
    return tuple(map(_instruction, instructions))


def _instruction(one: runbooks.Instruction) -> plan.Instruction:
    commands = (("sh", one.sh), ("sql", one.sql), ("promql", one.promql))
    language, command = next(((language, text) for language, text in commands if text), ("", ""))
    return plan.Instruction(one.does, language, dedent(command).strip("\n"), one.see)
