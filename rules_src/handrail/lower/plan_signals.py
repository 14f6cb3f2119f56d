"""A declared guardrail → its signals: every measure it looks at, with what is recorded of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from handrail import plan
from handrail.contract import names
from handrail.declare import guardrail as declared
from handrail.declare.limits import (
    Ago,
    BeforeRollout,
    Changed,
    Limit,
)
from handrail.declare.limits import StableArm as DeclaredStableArm
from handrail.declare.measures import Absence, Measure, State
from handrail.lower.plan_measures import lower_measure
from handrail.lower.rollout_context import RolloutContext
from handrail.lower.silences import known, silences
from handrail.promql import values
from handrail.promql.arm_versions import joined, versions_of
from handrail.promql.counting import targets_from_zero
from handrail.promql.syntax import either
from handrail.promql.windows import Counted
from handrail.units import Unit, plain, seconds

_OF_THE_STABLE_ARM = (DeclaredStableArm, BeforeRollout, Ago)
"""References that are figures of the stable arm: now, captured before there was a canary, or back then."""


def lower_signals(guardrail: declared.Guardrail, context: RolloutContext) -> dict[str, plan.Signal]:
    """The signals by name, the guardrail's own measure first and without one."""
    others = [other for tier in guardrail.tiers for other in tier.or_]
    changes = [tier.limit for tier in guardrail.tiers if isinstance(tier.limit, Changed)]
    compared = [guardrail.against, *(other.against for other in others)]
    both = any(isinstance(reference, _OF_THE_STABLE_ARM) for reference in compared)
    beside: dict[str, plan.Signal] = {}
    for limit in changes:
        if isinstance(guardrail.measure, State):
            beside["changes"] = _changes(guardrail, guardrail.measure, limit, context)
    for other in others:
        beside[other.name] = _signal(other.name, guardrail, other.measure, context, [other.limit], both=both)
    limits = [*(tier.limit for tier in guardrail.tiers), *guardrail.successes]
    main = _signal(
        "", guardrail, guardrail.measure, context, limits, both=both, beside=tuple(beside.values())
    )
    return {"": main, **beside}


def _signal(
    name: str,
    guardrail: declared.Guardrail,
    measure: Measure,
    context: RolloutContext,
    limits: Sequence[Limit],
    *,
    both: bool,
    beside: tuple[plan.Signal, ...] = (),
) -> plan.Signal:
    arms = context.arms_of(guardrail)
    more_is_worse = _more_is_worse(guardrail, limits)
    measuring = replace(context.measuring, more_is_worse=more_is_worse)
    if arms is not None and not arms.told:
        # An absence has no arm's label left that could tell a canary that is gone from a stable arm that is there.
        judged = (
            (arms.label, "=~", either((arms.canary, arms.stable)))
            if both and not isinstance(measure, Absence)
            else arms.of_canary
        )
        measuring = replace(measuring, matchers=(*measuring.matchers, judged))
    lowered, unit = lower_measure(measure, measuring)
    if isinstance(lowered, plan.Absence) and arms is not None and arms.told:
        canary = versions_of(context.rollout.name, guardrail.name, arms.label, arms.of_canary)
        lowered = replace(lowered, arm=canary)
    if isinstance(lowered, plan.PromQL) and not more_is_worse:
        lowered = replace(lowered, over="min")
    lowered = _counted_throughout(lowered, context)
    return _recorded(name, guardrail, lowered, unit, context, beside)


def _counted_throughout(measure: plan.Measure, context: RolloutContext) -> plan.Measure:
    """A count over a window that knows which samples say that its source stopped: it is not known for windows in which
    it did, even if it runs again.
    """
    if isinstance(measure, plan.While):
        return replace(measure, measure=_counted_throughout(measure.measure, context))
    if not isinstance(measure, plan.Count) or measure.window is None:
        return measure
    return replace(measure, silent=" or ".join(one.lost for one in silences(measure, context)))


def _more_is_worse(guardrail: declared.Guardrail, limits: Sequence[Limit]) -> bool:
    """Which way is worse, by the first limit: of several series the worst is judged. A success criterion without tiers
    names the good side.
    """
    if not limits:
        return True
    wanted = not guardrail.tiers and not limits[0].relative
    return (limits[0].is_upper is not False) != wanted


def _changes(
    guardrail: declared.Guardrail, measure: State, limit: Changed, context: RolloutContext
) -> plan.Signal:
    series = context.measuring.series(measure.metric)
    lowered = plan.StateChanges(series, context.scale.duration(limit.window), measure.label)
    return _recorded("changes", guardrail, lowered, Unit.number, context)


def _recorded(
    name: str,
    guardrail: declared.Guardrail,
    measure: plan.Measure,
    unit: Unit,
    context: RolloutContext,
    beside: tuple[plan.Signal, ...] = (),
) -> plan.Signal:
    arms = context.arms_of(guardrail)
    arm_labels = () if arms is None or isinstance(measure, plan.Absence | plan.PromQL) else (arms.label,)
    labels = [(names.ROLLOUT, context.rollout.name), (names.GUARDRAIL, guardrail.name)]
    labels += [(names.SIGNAL, name)] if name else []
    matchers = tuple((label, "=", text) for label, text in labels)
    alone = ((names.SIGNAL, "=", ""),) if beside else ()
    own = (arms.of_canary,) if arms is not None and arm_labels else ()
    counter, from_zero = values.counter_of(measure), plan.Selector(names.FROM_ZERO, matchers + alone)
    recordings: list[plan.Recording] = []
    if counter is not None:
        series = [one if arms is None else one.without(arms.label) for one in counter[0]]
        recordings.append(
            plan.Recording(names.FROM_ZERO, targets_from_zero(series, counter[1]), tuple(labels))
        )
    stopped = silences(measure, context)
    how = Counted(
        from_zero=from_zero if counter else None,
        evaluated=plan.Selector(names.INFO, matchers[:2]),
        every=context.scale.duration(context.rollout.evaluate),
    )
    told = (
        versions_of(context.rollout.name, guardrail.name, arms.label)
        if arms is not None and arms.told and arm_labels
        else None
    )
    number = values.events(measure, arm_labels, how)
    events = plan.Selector(names.EVENTS, matchers + alone)
    if number is not None:
        per_second = f"{events} / {plain(seconds(_window(measure)))}"
        recordings += [
            plan.Recording(names.EVENTS, known(_of_arms(number, told), stopped), tuple(labels)),
            plan.Recording(names.TRAFFIC, per_second, tuple(labels)),
        ]
    parts, part = values.part_events(measure, arm_labels, how), plan.Selector(names.PART, matchers + alone)
    if parts is not None:
        recordings.append(plan.Recording(names.PART, known(_of_arms(parts, told), stopped), tuple(labels)))
    in_buckets = values.bucket_events(measure, arm_labels, how)
    buckets = plan.Selector(names.BUCKETS, matchers + alone)
    if in_buckets is not None:
        quick = values.filled(measure, arm_labels, events, buckets)
        recordings += [
            plan.Recording(names.BUCKETS, known(_of_arms(in_buckets, told), stopped), tuple(labels)),
            plan.Recording(names.FILLED, known(_of_arms(quick, told), stopped), tuple(labels)),
        ]
    counted = part if parts is not None else buckets if in_buckets is not None else None
    formula = values.value(measure, arm_labels, str(events) if number else None, how, counted)
    recordings.append(plan.Recording(names.VALUE, known(_of_arms(formula, told), stopped), tuple(labels)))
    return plan.Signal(
        name=name,
        measure=measure,
        unit=unit,
        value=plan.Selector(names.VALUE, matchers + alone + own),
        events=events.where(*own) if number else None,
        traffic=plan.Selector(names.TRAFFIC, matchers + alone + own) if number else None,
        by=arm_labels + measure.labels,
        recordings=tuple(recordings),
        silences=stopped,
        filled=plan.Selector(names.FILLED, matchers + alone + own) if in_buckets is not None else None,
        part=part.where(*own) if parts is not None else None,
    )


def _of_arms(expr: str, told: plan.ArmVersion | None) -> str:
    """The recording: of every series, or only of the versions of the arms."""
    return expr if told is None else joined(expr, told)


def _window(measure: plan.Measure) -> timedelta:
    """The window in which a measure counts events."""
    inner = measure.inner
    if not isinstance(inner, plan.EventMeasure):
        raise TypeError(f"{type(inner).__name__} counts no events")
    return inner.window
