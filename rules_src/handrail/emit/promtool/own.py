"""A rollout's own promises → stories: the heartbeat, who is blind when nothing is measured, and who is told of what stays unresolved."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.boundaries import unfed
from handrail.emit.promtool.examples import Measured
from handrail.emit.promtool.levels import MISSING, STABLE_MISSING
from handrail.emit.promtool.series import OTHER, At, Feed, Key, Rise, Timeline, chosen
from handrail.emit.promtool.story import (
    COMPACTED,
    NOTHING,
    UNHEARD,
    Course,
    Figure,
    Instance,
    Look,
    Story,
    Text,
    Untestable,
    far,
    instance,
    seen_before,
)
from handrail.plan import (
    Absence,
    Alert,
    Condition,
    Guardrail,
    Level,
    ReferenceKind,
    Rollout,
    Selector,
    StateChanges,
    compared_stages,
)
from handrail.promql.remembered import REMEMBER
from handrail.units import seconds, span

ESCALATES = "An unresolved alert escalates from level to level until somebody acknowledges it"
AWAKE = "The heartbeat alert always fires"
GONE = "A receiver that has been down for as long as declared is reported until it is back"
BLIND = (
    "Without metrics every guardrail and objective is blind and says why; without a reported stage every guardrail that "
    "needs it is blind"
)
SILENT = "A guardrail whose log has had no line for as long as declared says that instead, and not before"
FAR = "promtool may lose samples once it holds more than 36 hours"
NOT_YET = "No blind alert fires one evaluation before its time has passed"
ADVANCES = "A stage that advances automatically asks for promotion once it has baked, and not before"
NOTHING_MEASURED = "nothing is measured"
NO_STAGE, NO_HISTORY = "nobody reports the stage", "there is no history"
REASON = "reason"
UNRESOLVED, BEGAN = "(unresolved)", Decimal(100)
LONGEST = 8
"""So many evaluations are enough until the last level is told."""


def heartbeat(rollout: Rollout) -> Story:
    """From the first evaluation on."""
    alert = rollout.heartbeat
    course = Course(rollout.evaluate, Timeline(rollout.scrape), {instance(alert): alert})
    course.go_on({}, [instance(alert)], None)
    return course.story(AWAKE, [Text(alert, NOTHING, {}, Decimal(1))])


def receiver_gone(rollout: Rollout, alert: Alert) -> Story:
    """It is there, then for as long as the alert must be sustained it is not, and then it is back."""
    own, every = instance(alert), rollout.evaluate
    least = -(-2 * rollout.scrape // every) * every  # what is gone is seen to be gone a scrape later
    step = max(least, alert.sustained - every)
    course = Course(step, Timeline(rollout.scrape), {own: alert})
    age = Key.of(names.HEARTBEAT_AGE_METRIC, {})
    there: dict[Key, Feed] = {} if rollout.stages else {age: At(Decimal(0))}
    course.go_on(there, [], None)
    course.go_on(there, [], None)
    while not course.fires(alert.name):
        course.go_on({}, [own], UNHEARD, shown=["the receiver is gone"])
    text = Text(alert, course.now, {}, None)
    course.go_on(there, [], None)
    return course.story(GONE, [text])


def blindness(rollout: Rollout) -> Iterator[Story | Untestable]:
    """Nothing is measured in a stage with both arms, and then nobody reports the stage either."""
    running = [one for one in rollout.stages if one.has_canary]
    stage = next((one.name for one in running if one.has_both), running[0].name if running else None)
    missing: dict[Alert, list[str]] = {}
    unheard: list[Alert] = []
    for guardrail in rollout.guardrails:
        if guardrail.split is None and (stage is not None or not guardrail.arms):
            seen = (one for one in guardrail.signals if not unfed(one))
            if any(not isinstance(one.measure.inner, StateChanges) for one in seen):
                missing[guardrail.blind] = list(reasons(rollout, guardrail, stage))
            if stage is not None and _needs_stage(guardrail):
                unheard.append(guardrail.blind)
    missing |= {slo.blind: [MISSING] for slo in rollout.slos}
    if missing or unheard:
        yield _blind(rollout, stage, missing, unheard)
    for sustained in dict.fromkeys(alert.sustained for alert in missing):
        if sustained > rollout.evaluate:
            yield _not_yet(rollout, stage, [one for one in missing if one.sustained == sustained])
    yield from _silent(rollout, stage, missing)


def _not_yet(rollout: Rollout, stage: str | None, blind: Sequence[Alert]) -> Story:
    """An evaluation before they are sustained."""
    step = blind[0].sustained - rollout.evaluate
    alerts = {instance(alert, REASON, MISSING): alert for alert in blind}
    course = Course(step, Timeline(rollout.scrape), alerts)
    for _ in range(2):
        course.go_on(_seen(rollout), alerts, stage, shown=[NOTHING_MEASURED])
    course.looks = [course.look((REASON, MISSING))]
    return course.story(NOT_YET)


def _silent(rollout: Rollout, stage: str | None, missing: Collection[Alert]) -> Iterator[Story | Untestable]:
    """Of each time for which a log may be silent: nothing is measured, and lines no longer come."""
    logs: dict[timedelta, dict[Alert, dict[Key, str]]] = {}
    for guardrail in rollout.guardrails:
        known = [(key, one) for key, one in Measured(guardrail).sources.items() if one.after is not None]
        times = {one.after for _, one in known}
        if guardrail.blind in missing and len(times) == 1:
            of_log = logs.setdefault(times.pop() or NOTHING, {})
            of_log[guardrail.blind] = {key: one.reason for key, one in known}
    for after, blind in sorted(logs.items()):
        step = -(-after // (2 * rollout.evaluate)) * rollout.evaluate
        if step + rollout.scrape >= after:
            continue  # it is over before another evaluation
        if far(step):
            guarded = (dict(alert.labels)[names.GUARDRAIL] for alert in blind)
            yield from (Untestable(f"{one}, a log without lines", FAR) for one in guarded)
            continue
        lost = {instance(alert, REASON, MISSING): alert for alert in blind}
        silent = {instance(alert, REASON, one): alert for alert in blind for one in blind[alert].values()}
        lines = {key: Rise(Decimal(1)) for keys in blind.values() for key in keys}
        still = {key: Rise(Decimal(0)) for key in lines}
        course, looks = Course(step, Timeline(rollout.scrape), lost | silent), list[Look]()
        for feeds, why in ((lines, lost), (lines, lost), (lines, lost), (still, lost), (still, silent)):
            course.go_on({**_seen(rollout), **feeds}, why, stage, shown=[NOTHING_MEASURED])
            looks += [course.look((REASON, one)) for one in dict.fromkeys(one for _, _, one in course.alerts)]
        course.looks = looks[-2 * len({one for _, _, one in course.alerts}) :]
        yield course.story(SILENT)


def _blind(
    rollout: Rollout, stage: str | None, missing: Mapping[Alert, list[str]], unheard: Sequence[Alert]
) -> Story:
    """Nothing is measured until all fire; then nobody reports the stage, which is believed for a while: so long all that
    are bound to it stay blind, and no longer.
    """
    every = {instance(alert, REASON, one): alert for alert, several in missing.items() for one in several}
    unsaid = {instance(alert, REASON, NO_STAGE): alert for alert in unheard}
    course = Course(_step(rollout, [*missing, *unheard]), Timeline(rollout.scrape), every)
    looks: list[Look] = []
    while not course.stages or not all(map(course.fires, {alert.name for alert in missing})):
        course.go_on(_seen(rollout), every, stage, shown=[NOTHING_MEASURED])
        looks.append(course.look((REASON, MISSING)))
    texts = [Text(alert, course.now, {label: reason}, None) for (_, label, reason), alert in every.items()]
    course, believed_until = replace(course, alerts=every | unsaid), course.now + rollout.scrape + REMEMBER
    free, said = [one for one in every if not _bound(rollout, one)], dict.fromkeys(one for _, _, one in every)
    while {one for one in unsaid if (life := course.lives.get(one)) is None or not life.firing}:
        course.go_on(
            {}, every if course.next < believed_until else [*free, *unsaid], UNHEARD, shown=[NOTHING_MEASURED]
        )
        changes = -course.step <= course.now - believed_until < course.step
        looks += [course.look((REASON, one)) for one in (*said, NO_STAGE) if changes or one == NO_STAGE]
    course.looks = looks
    return course.story(BLIND, texts)


def _bound(rollout: Rollout, blind: Instance) -> bool:
    """Whether it is a reason in some stages only."""
    name, _, reason = blind
    always = reason == MISSING or reason.startswith(NO_HISTORY)
    return not always or any(one.arms and one.blind.name == name for one in rollout.guardrails)


def _seen(rollout: Rollout) -> dict[Key, Feed]:
    """What is remembered of optional guardrails."""
    return {key: feed for one in rollout.guardrails for key, feed in seen_before(one).items()}


def _step(rollout: Rollout, blind: Iterable[Alert]) -> timedelta:
    """The shortest time that one must be sustained, but not so short that it takes many evaluations."""
    times = sorted(alert.sustained for alert in blind)
    least = next((one for one in times if one >= max(times[-1], REMEMBER) / 4), REMEMBER)
    return -(-least // rollout.evaluate) * rollout.evaluate


def reasons(rollout: Rollout, guardrail: Guardrail, stage: str | None) -> Iterator[str]:
    """Everything that it misses while there is nothing at all in a stage."""
    yield MISSING
    told = {reference for condition in _used(guardrail) if (reference := condition.reference) is not None}
    if any(one.kind is ReferenceKind.before for one in told):
        yield "the figure from before the rollout is missing"
    for one in told:
        if one.kind is ReferenceKind.previous_stage:
            before = compared_stages(one, rollout.stages, guardrail.arms).get(stage or "")
            if before is not None:
                yield f"the figure of stage {before} is missing"
    if any(one.kind is ReferenceKind.stable for one in told):
        yield STABLE_MISSING
    yield from (f"{NO_HISTORY} of {span(one.ago)}" for one in told if one.ago is not None)


def _used(guardrail: Guardrail) -> list[Condition]:
    """What its tiers and its success criteria compare."""
    tiers = [condition for alert in guardrail.alerts for condition in alert.conditions]
    return [*tiers, *(success.condition for success in guardrail.success)]


def _needs_stage(guardrail: Guardrail) -> bool:
    conditions = _used(guardrail)
    told = any(c.reference and c.reference.kind is not ReferenceKind.ago for c in conditions)
    timed = any(alert.during for alert in guardrail.alerts)
    return told or timed or bool(guardrail.arms) or any(condition.staged for condition in conditions)


def escalation(rollout: Rollout) -> Iterator[Story]:
    """Alerts as Prometheus keeps them, for as long as the last level takes; then those that have fired are acknowledged. Beside
    them alerts that escalate to nobody. Of what begins when promtool may lose a sample, the next one is asked.
    """
    alerts = [
        a for a in rollout.alerts if a.tier in names.TIERS and (names.MODE, names.SHADOW) not in a.labels
    ]
    heard = {level: next((a for a in alerts if level.hears(a)), None) for level in rollout.escalation}
    unresolved = dict.fromkeys(alert for alert in heard.values() if alert is not None)
    levels = [level for level, alert in heard.items() if alert is not None]
    if not levels:
        return
    every, last = rollout.evaluate, max(level.after for level in levels)
    step = max(every, min(level.after for level in levels), last / LONGEST)
    step = -(-step // every) * every
    course = Course(step, Timeline(rollout.scrape), {instance(level.alert): level.alert for level in levels})
    fires, other = dict[Key, At](), _present(rollout)
    for alert in unresolved:
        labels = {names.ALERTNAME: "Unresolved", **dict(alert.labels), names.GUARDRAIL: UNRESOLVED}
        fires |= {**_firing(labels), Key.of("ALERTS_FOR_STATE", labels): At(BEGAN)}
        labels[names.ALERTNAME] = "Other"
        other |= _others(labels)
        if all(level.severities for level in rollout.escalation):
            other |= _firing({**labels, names.SEVERITY: OTHER})
    told = Key.of(names.ACKNOWLEDGED_METRIC, {names.ROLLOUT: rollout.name})
    for _ in range(-(-last // step) + (2 if last > COMPACTED else 1)):
        course.go_on({**other, **fires, told: At(BEGAN)}, course.alerts, None, shown=["unresolved"])
    figures = [
        Figure(course.now, _escalated(level, alert), Decimal(1)) for level, alert in heard.items() if alert
    ]
    course.go_on({**other, **fires, told: At(BEGAN + 1)}, [], None, shown=["acknowledged"])
    course.looks = [
        replace(look, only=(names.GUARDRAIL, UNRESOLVED))
        for look, before in zip(course.looks, [*course.looks[:1], *course.looks], strict=False)
        if look.at <= COMPACTED or set(look.states.items()) <= set(before.states.items())
    ]
    yield course.story(ESCALATES, figures=figures)


def _escalated(level: Level, alert: Alert) -> Selector:
    """An alert as a level has it, with all its labels."""
    kept = (names.ROLLOUT, names.SERVICE, names.TIER, names.SEVERITY)
    labels = {label: text for label, text in alert.labels if label in kept} | dict(level.alert.labels)
    labels |= {names.ALERTNAME: level.alert.name, "alertstate": "firing", names.GUARDRAIL: UNRESOLVED}
    return Selector("ALERTS", tuple((label, "=", text) for label, text in labels.items()))


def promotion(rollout: Rollout) -> Iterator[Story | Untestable]:
    """Each stage that goes on automatically: an evaluation before it has baked, and when it just has."""
    alert, gates = rollout.promotion, {gate.into: gate for gate in rollout.playbook.gates}
    for stage in rollout.playbook.stages if alert is not None else ():
        following = rollout.playbook.stage_after(stage.name)
        gate = gates.get(following.name if following else names.COMPLETE)
        if alert is None or stage.advance != "when-met":
            continue
        if gate is not None and gate.criteria:
            yield Untestable(names.GATE, f"its success in stage {stage.name} is judged over all its time")
            continue
        step = timedelta(seconds=stage.takes)
        course = Course(step, Timeline(rollout.scrape), {instance(alert): alert})
        labels, told = {names.ROLLOUT: rollout.name}, dict[str, list[Text]]()
        own = {**labels, names.STAGE: stage.name}
        for entered, fires in ((timedelta(), False), (timedelta(seconds=1), False), (step, True)):
            began = {Key.of(names.STAGE_ENTERED_METRIC, own): At(seconds(entered))}
            shown = [f"entered at {span(entered)}"]
            course.go_on(began, [instance(alert)] if fires else [], stage.name, shown=shown)
            course.tell([(instance(alert), alert, labels, Decimal(1))] if fires else [], told)
        yield course.story(f"{ADVANCES}: stage {stage.name}", told[alert.name])


def _present(rollout: Rollout) -> dict[Key, At]:
    """What some guardrail would miss."""
    measures = (signal.measure.inner for guardrail in rollout.guardrails for signal in guardrail.signals)
    return {chosen(one.metric, {}): At(Decimal(1)) for one in measures if isinstance(one, Absence)}


def _firing(labels: dict[str, str], state: str = "firing") -> dict[Key, At]:
    return {Key.of("ALERTS", {"alertstate": state, **labels}): At(Decimal(1))}


def _others(labels: dict[str, str]) -> dict[Key, At]:
    """Alerts that escalate to nobody: pending, in shadow mode, on a level already, of another rollout or environment, of no tier."""
    aside = (
        {names.MODE: names.SHADOW},
        {names.LEVEL: OTHER},
        {names.ROLLOUT: OTHER},
        {names.ENVIRONMENT: OTHER},
        {names.TIER: OTHER},
    )
    found = _firing(labels, "pending")
    for other in aside:
        found |= _firing({**labels, **other})
    return found
