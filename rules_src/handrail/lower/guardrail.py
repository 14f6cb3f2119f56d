"""A declared guardrail → the plan's: signals, recordings, alerts by tier, `blind`, success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from handrail import names, plan
from handrail.base import where_of
from handrail.declare import guardrail as declared
from handrail.declare.limits import (
    Ago,
    AtMost,
    BeforeRollout,
    Below,
    Changed,
    Drop,
    DropPoints,
    Is,
    Limit,
    Rise,
    RisePoints,
)
from handrail.declare.limits import StableArm as DeclaredStableArm
from handrail.declare.measures import Absence, Measure, State
from handrail.declare.rollout import Arms, Rollout
from handrail.lower.conditions import lower_condition
from handrail.lower.measures import Context, lower_measure
from handrail.promql import blindness, conditions, measures
from handrail.promql.counting import targets_from_zero
from handrail.promql.syntax import either
from handrail.promql.windows import Recorded
from handrail.units import Unit, plain, seconds
from handrail.wording import literal, reason, words

ACTING_KEEPS = timedelta(minutes=10)

_OF_THE_STABLE_ARM = (DeclaredStableArm, BeforeRollout, Ago)
"""References that are figures of the stable arm: now, captured before there was a canary, or back then."""


@dataclass(frozen=True)
class Frame:
    """What a guardrail takes from its rollout: names, stages, arms, and the links of its alerts."""

    rollout: Rollout
    environment: str
    context: Context
    stages: tuple[plan.Stage, ...]
    runbook_url: str
    dashboard_url: str

    def severity(self, tier: str, own: str | None = None) -> str:
        """The severity label of a tier in the rollout's own words."""
        known: dict[str, str] = {str(key): word for key, word in self.rollout.severities.items()}
        return own or known.get(tier, tier)

    def labels(
        self, guardrail: str, tier: str, severity: str, action: str, mode: str = "active"
    ) -> tuple[tuple[str, str], ...]:
        """The labels every alert carries; a shadow says so."""
        labels = (
            (names.ROLLOUT, self.rollout.name),
            (names.SERVICE, self.rollout.service),
            (names.GUARDRAIL, guardrail),
            (names.TIER, tier),
            (names.SEVERITY, severity),
            (names.ACTION, action),
            (names.ENVIRONMENT, self.environment),
        )
        return (*labels, (names.MODE, names.SHADOW)) if mode == names.SHADOW else labels

    def arms_of(self, guardrail: declared.Guardrail) -> Arms | None:
        """The arms a guardrail tells apart: none where it judges the whole service."""
        return None if guardrail.whole_service else self.rollout.arms

    def place(self, guardrail: declared.Guardrail) -> conditions.Place:
        """Where the guardrail's conditions are judged."""
        arms = self.arms_of(guardrail)
        return conditions.Place(self.rollout.name, guardrail.name, self.stages, arms.stable if arms else None)


def lower_arms(given: Arms | None) -> plan.Arms | None:
    """The plan's arms."""
    return None if given is None else plan.Arms(given.label, given.canary, given.stable)


def lower_guardrail(given: declared.Guardrail, frame: Frame) -> plan.Guardrail:
    """Everything the targets need to know about one guardrail."""
    signals = _signals(given, frame)
    place = frame.place(given)
    tiers: _Tiers = [(tier, _tier_conditions(given, tier, signals, frame)) for tier in given.tiers]
    if given.order == "tighten":
        tiers = _tightened(tiers, frame)
    alerts = tuple(_alert(given, tier, found, frame) for tier, found in tiers)
    success = tuple(_success(given, limit, signals[""], frame) for limit in given.successes)
    used = tuple(c for _, found in tiers for c in found) + tuple(criterion.condition for criterion in success)
    return plan.Guardrail(
        name=given.name,
        title=given.title or given.name,
        arms=lower_arms(frame.arms_of(given)),
        signals=tuple(signals.values()),
        info=_info(given, frame, signals[""]),
        alerts=alerts,
        blind=_blind(given, tuple(signals.values()), used, place, frame),
        success=success,
        shadow=given.mode == names.SHADOW,
        runbook=lower_runbook(given.runbook),
        where=where_of(given),
    )


def _signals(given: declared.Guardrail, frame: Frame) -> dict[str, plan.Signal]:
    others = [other for tier in given.tiers for other in tier.or_]
    changes = [tier.limit for tier in given.tiers if isinstance(tier.limit, Changed)]
    compared = [given.against, *(other.against for other in others)]
    both = any(isinstance(reference, _OF_THE_STABLE_ARM) for reference in compared)
    beside: dict[str, plan.Signal] = {}
    for limit in changes:
        if isinstance(given.measure, State):
            beside["changes"] = _changes(given, given.measure, limit, frame)
    for other in others:
        beside[other.name] = _signal(other.name, given, other.measure, frame, [other.limit], both=both)
    limits = [*(tier.limit for tier in given.tiers), *given.successes]
    main = _signal("", given, given.measure, frame, limits, both=both, beside=tuple(beside.values()))
    return {"": main, **beside}


def _signal(
    name: str,
    given: declared.Guardrail,
    measure: Measure,
    frame: Frame,
    limits: Sequence[Limit],
    *,
    both: bool,
    beside: tuple[plan.Signal, ...] = (),
) -> plan.Signal:
    arms, context = frame.arms_of(given), frame.context
    if arms is not None:
        # An absence has no arm's label left that could tell a canary that is gone from a stable arm that is there.
        judged = (
            (arms.label, "=~", either((arms.canary, arms.stable)))
            if both and not isinstance(measure, Absence)
            else (arms.label, "=", arms.canary)
        )
        context = replace(context, matchers=(*context.matchers, judged))
    lowered, unit = lower_measure(measure, context)
    if isinstance(lowered, plan.Free) and isinstance(limits[0], Below | AtMost | Drop | DropPoints):
        lowered = replace(lowered, over="min")
    return _recorded(name, given, lowered, unit, frame, beside)


def _changes(given: declared.Guardrail, measure: State, limit: Changed, frame: Frame) -> plan.Signal:
    series = frame.context.series(measure.metric)
    lowered = plan.StateChanges(series, frame.context.scale.duration(limit.window), measure.label)
    return _recorded("changes", given, lowered, Unit.number, frame)


def _recorded(
    name: str,
    given: declared.Guardrail,
    measure: plan.Measure,
    unit: Unit,
    frame: Frame,
    beside: tuple[plan.Signal, ...] = (),
) -> plan.Signal:
    arms = frame.arms_of(given)
    arm_labels = () if arms is None or isinstance(measure, plan.Gone | plan.Free) else (arms.label,)
    labels = [(names.ROLLOUT, frame.rollout.name), (names.GUARDRAIL, given.name)]
    labels += [(names.SIGNAL, name)] if name else []
    matchers = tuple((label, "=", text) for label, text in labels)
    alone = ((names.SIGNAL, "=", ""),) if beside else ()
    own = ((arms.label, "=", arms.canary),) if arms is not None and arm_labels else ()
    counter, from_zero = measures.counter_of(measure), plan.Selector(names.FROM_ZERO, matchers + alone)
    recordings: list[plan.Recording] = []
    if counter is not None:
        series = counter[0] if arms is None else counter[0].without(arms.label)
        recordings.append(
            plan.Recording(names.FROM_ZERO, targets_from_zero(series, counter[1]), tuple(labels))
        )
    how = Recorded(
        from_zero=from_zero if counter else None,
        looked=plan.Selector(names.INFO, matchers[:2]),
        every=frame.context.scale.duration(frame.rollout.evaluate),
    )
    number = measures.events(measure, arm_labels, how)
    events = plan.Selector(names.EVENTS, matchers + alone)
    if number is not None:
        per_second = f"{events} / {plain(seconds(_window(measure)))}"
        recordings += [
            plan.Recording(names.EVENTS, number, tuple(labels)),
            plan.Recording(names.TRAFFIC, per_second, tuple(labels)),
        ]
    formula = measures.value(measure, arm_labels, str(events) if number else None, how)
    recordings.append(plan.Recording(names.VALUE, formula, tuple(labels)))
    return plan.Signal(
        name=name,
        measure=measure,
        unit=unit,
        value=plan.Selector(names.VALUE, matchers + alone + own),
        events=events.where(*own) if number else None,
        traffic=plan.Selector(names.TRAFFIC, matchers + alone + own) if number else None,
        by=arm_labels + kept(measure),
        recordings=tuple(recordings),
    )


def _window(measure: plan.Measure) -> timedelta:
    """The window in which a measure counts events."""
    inner = measure.measure if isinstance(measure, plan.Only) else measure
    if not isinstance(inner, plan.Share | plan.Quantile | plan.Slow):
        raise TypeError(f"{type(inner).__name__} counts no events")
    return inner.window


def kept(measure: plan.Measure) -> tuple[str, ...]:
    match measure:
        case plan.Level(by=labels) | plan.Fill(by=labels) | plan.Grown(by=labels):
            return labels
        case plan.InState(label=label):
            return (label,)
        case plan.Only(measure=inner):
            return kept(inner)
        case _:
            return ()


def _tier_conditions(
    given: declared.Guardrail, tier: declared.Tier, signals: dict[str, plan.Signal], frame: Frame
) -> tuple[plan.Condition, ...]:
    scale = frame.context.scale
    main = signals["changes" if isinstance(tier.limit, Changed) else ""]
    first = lower_condition(main, tier.limit, given.against, scale)
    rest = (lower_condition(signals[other.name], other.limit, other.against, scale) for other in tier.or_)
    return (first, *rest)


_Tiers = list[tuple[declared.Tier, tuple[plan.Condition, ...]]]


def _tightened(tiers: _Tiers, frame: Frame) -> _Tiers:
    """In every stage, no tier is looser than one that is graver than it."""
    done: _Tiers = []
    stages = [stage.name for stage in frame.stages]
    graver: list[plan.Condition] = []
    for tier, found in reversed(tiers):
        first = found[0]
        for other in graver:
            first = _no_looser(first, other, stages)
        graver.append(first)
        done.append((tier, (first, *found[1:])))
    return done[::-1]


def _no_looser(condition: plan.Condition, graver: plan.Condition, stages: Sequence[str]) -> plan.Condition:
    if not _same_kind(condition, graver) or not (condition.staged or graver.staged):
        return condition
    tight = min if _rising(condition) else max
    limits = []
    for stage in stages:
        own, other = limit_in(condition, stage), limit_in(graver, stage)
        figures = [figure for figure in (own, other) if figure is not None]
        # A stage that has no limit of this tier's keeps having none, whatever holds otherwise.
        limits.append(plan.StageLimit(stage, None if own is None else tight(figures)))
    outside = limit_in(condition, None)
    rest = () if outside is None else (plan.StageLimit(None, outside),)
    return replace(condition, limits=(*limits, *rest))


def _same_kind(one: plan.Condition, other: plan.Condition) -> bool:
    """Whether the figures of both are of one thing: of two it can be said which is the tighter."""
    figures = one.reference == other.reference and one.points == other.points
    return figures and one.signal == other.signal and _rising(one) == _rising(other) and not one.state


def _rising(condition: plan.Condition) -> bool:
    return condition.op in (plan.Op.above, plan.Op.at_least)


def limit_in(condition: plan.Condition, stage: str | None) -> Decimal | None:
    """The figure of a condition in a stage (None: outside of all stages), None where it has no limit there."""
    by_stage = {limit.stage: limit.figure for limit in condition.limits}
    return by_stage.get(stage, by_stage.get(None))


def _alert(
    given: declared.Guardrail, tier: declared.Tier, found: tuple[plan.Condition, ...], frame: Frame
) -> plan.Alert:
    scale = frame.context.scale
    place = frame.place(given)
    keep = scale.maybe(tier.keep_firing_for)
    if keep is None:
        keep = scale.time(ACTING_KEEPS) if tier.action in names.ACTING else timedelta()
    during = scale.maybe(tier.during)
    return plan.Alert(
        name=names.alert_name(frame.rollout.name, given.name, tier.tier),
        tier=tier.tier,
        severity=frame.severity(tier.tier, tier.severity),
        action=tier.action,
        expr=_any_of(found, place, during),
        hold=scale.duration(tier.hold),
        keep_firing_for=keep,
        labels=frame.labels(
            given.name, tier.tier, frame.severity(tier.tier, tier.severity), tier.action, given.mode
        ),
        summary=f"{_title(given)} of {frame.rollout.name}: {tier.tier}, {tier.action}",
        description=_description(given, tier, found),
        conditions=found,
        during=during,
        note=tier.note,
        where=where_of(tier),
    )


def _any_of(found: tuple[plan.Condition, ...], place: conditions.Place, during: timedelta | None) -> str:
    reasons = [conditions.fires(condition, place) for condition in found]
    expr = reasons[0] if len(reasons) == 1 else "\nor ".join(f"({reason})" for reason in reasons)
    if during is None:
        return expr
    return f"({expr})\nand {conditions.since_start(place.rollout, during)}"


_VALUE_TEXT = {
    Unit.ratio: "{{ $value | humanizePercentage }}",
    Unit.seconds: "{{ $value | humanizeDuration }}",
    Unit.bytes: "{{ $value | humanize }}B",
    Unit.per_second: "{{ $value | humanize }}/s",
    Unit.number: "{{ $value | humanize }}",
}


def _title(given: declared.Guardrail) -> str:
    return literal(given.title or given.name)


def _description(given: declared.Guardrail, tier: declared.Tier, found: tuple[plan.Condition, ...]) -> str:
    limits = literal(", or ".join(map(reason, found)))
    units = {condition.signal.unit for condition in found}
    shown = _VALUE_TEXT[units.pop()] if len(units) == 1 else "{{ $value | humanize }}"
    note = f" {literal(tier.note)}" if tier.note else ""
    return f"{_title(given)} is at {shown}; the {tier.tier} limit is {limits}.{note}"


def _blind(
    given: declared.Guardrail,
    signals: tuple[plan.Signal, ...],
    used: tuple[plan.Condition, ...],
    place: conditions.Place,
    frame: Frame,
) -> plan.Alert:
    acting = any(tier.action in names.ACTING for tier in given.tiers)
    timed = any(tier.during is not None for tier in given.tiers)
    severity = frame.severity("critical" if acting else "warning")
    return plan.Alert(
        name=names.alert_name(frame.rollout.name, given.name, names.BLIND),
        tier=names.BLIND,
        severity=severity,
        action="hold",
        expr=blindness.cannot_see(signals, used, place, timed=timed),
        hold=frame.context.scale.duration(given.blind_after),
        keep_firing_for=timedelta(),
        labels=frame.labels(given.name, names.BLIND, severity, "hold", given.mode),
        summary=f"{_title(given)} of {frame.rollout.name}: blind, hold",
        description=f"{_title(given)} cannot be judged: {{{{ $labels.reason }}}}. This is no pass: hold.",
        conditions=(),
        during=None,
        note=None,
        where=where_of(given),
    )


def _success(given: declared.Guardrail, limit: Limit, main: plan.Signal, frame: Frame) -> plan.Success:
    named = lower_condition(main, limit, given.against, frame.context.scale)
    forbidden = isinstance(limit, Rise | RisePoints | Drop | DropPoints)  # these name what must not happen
    failing = named if forbidden else replace(named, op=_OPPOSITE[named.op])
    breached = conditions.not_only if isinstance(limit, Is) else conditions.fires
    return plan.Success(
        condition=failing,
        text=f"not {words(named)}" if forbidden else words(named),
        breach=breached(failing, frame.place(given)),
        seen=conditions.seen(failing, frame.place(given)),
    )


_OPPOSITE = {
    plan.Op.above: plan.Op.at_most,
    plan.Op.at_least: plan.Op.below,
    plan.Op.below: plan.Op.at_least,
    plan.Op.at_most: plan.Op.above,
}


def _info(given: declared.Guardrail, frame: Frame, main: plan.Signal) -> plan.Recording:
    labels = (
        (names.ROLLOUT, frame.rollout.name),
        (names.GUARDRAIL, given.name),
        (names.SERVICE, frame.rollout.service),
        ("unit", main.unit.value),
        (names.MODE, given.mode),
    )
    return plan.Recording(names.INFO, "vector(1)", labels)


def lower_runbook(given: declared.Runbook | None) -> plan.Runbook:
    """The runbook, empty where none was written (a lint asks for it)."""
    if given is None:
        return plan.Runbook("", (), ())
    return plan.Runbook(given.impact, tuple(given.look), tuple(given.mend))
