"""A rollout's own promises → stories: the heartbeat, who is blind when nothing is measured, and who is told of what stays unresolved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.series import At, Feed, Key, Timeline, chosen
from handrail.emit.promtool.story import FIRES, NOTHING, UNHEARD, Course, Look, Story, Text, seen_before
from handrail.plan import Absence, Alert, Guardrail, PromQL, ReferenceKind, Rollout, StateChanges
from handrail.promql.remembered import REMEMBER

CLIMBS = "An alert that stays unresolved climbs from level to level until it is over"
AWAKE = "The heartbeat fires all the time"
BLIND = (
    "While nothing is measured all are blind and say why; when nobody reports the stage, all that need it are"
)
NOT_YET = "An evaluation before it is sustained, nobody is blind yet"
MISSING, NO_STAGE = "its metrics are missing", "nobody reports the stage"
LONGEST = 20
"""So many evaluations are enough until the last level is told."""
_CARRIED = (names.ROLLOUT, names.SERVICE, names.GUARDRAIL, names.TIER, names.SEVERITY)


def heartbeat(rollout: Rollout) -> Story:
    """From the first evaluation on."""
    alert = rollout.heartbeat
    course = Course(rollout.evaluate, Timeline(rollout.scrape), {(alert.name, ""): alert})
    course.go_on({}, {(alert.name, ""): True}, None)
    return course.story(AWAKE, names.HEARTBEAT, [Text(alert, NOTHING, {}, Decimal(1))])


def blindness(rollout: Rollout) -> Iterator[Story]:
    """Nothing is measured in a stage with both arms, and then nobody reports the stage either."""
    running = [one for one in rollout.stages if one.has_canary]
    stage = next((one.name for one in running if one.has_both), running[0].name if running else None)
    missing: dict[Alert, bool] = {}
    unheard: list[Alert] = []
    for guardrail in rollout.guardrails:
        if guardrail.split is None and (stage is not None or not guardrail.arms):
            measures = [signal.measure.inner for signal in guardrail.signals]
            if not all(isinstance(one, PromQL | Absence | StateChanges) for one in measures):
                missing[guardrail.blind] = _one_reason(guardrail)
            if stage is not None and _needs_stage(guardrail):
                unheard.append(guardrail.blind)
    missing |= {slo.blind: True for slo in rollout.slos}
    if missing or unheard:
        yield _blind(rollout, stage, missing, unheard)
    for sustained in dict.fromkeys(alert.sustained for alert in missing):
        if sustained > rollout.evaluate:
            yield _not_yet(rollout, stage, [one for one in missing if one.sustained == sustained])


def _not_yet(rollout: Rollout, stage: str | None, blind: list[Alert]) -> Story:
    """An evaluation before they are sustained."""
    step = blind[0].sustained - rollout.evaluate
    course = Course(step, Timeline(rollout.scrape), {(alert.name, ""): alert for alert in blind})
    for _ in range(2):
        course.go_on(_seen(rollout), dict.fromkeys(course.alerts, True), stage)
    course.looks = [_because(course, blind, MISSING)]
    return course.story(NOT_YET, "all")


def _blind(
    rollout: Rollout, stage: str | None, missing: Mapping[Alert, bool], unheard: Sequence[Alert]
) -> Story:
    """Nothing is measured until all fire; then nobody reports the stage, which is believed for a while."""
    blind = list(dict.fromkeys([*missing, *unheard]))
    step = _step(rollout, blind)
    course = Course(step, Timeline(rollout.scrape), {(alert.name, ""): alert for alert in missing})
    looks, texts = list[Look](), list[Text]()
    while not course.stages or any(states != FIRES for states in course.states.values()):
        course.go_on(_seen(rollout), dict.fromkeys(course.alerts, True), stage)
        looks.append(_because(course, missing, MISSING))
    texts += [Text(alert, course.now, {"reason": MISSING}, None) for alert, only in missing.items() if only]
    course = replace(course, alerts={(alert.name, ""): alert for alert in unheard}, worlds={})
    heard = course.now + rollout.scrape
    while any(course.states.get(alert.name) != FIRES for alert in unheard):
        forgotten = course.next >= heard + REMEMBER
        course.go_on({}, dict.fromkeys(course.alerts, forgotten), UNHEARD)
        looks.append(_because(course, unheard, NO_STAGE))
    course.looks = [look for look in looks if look.states]
    return course.story(BLIND, "all", texts)


def _seen(rollout: Rollout) -> dict[Key, Feed]:
    """What is remembered of optional guardrails."""
    return {key: feed for one in rollout.guardrails for key, feed in seen_before(one).items()}


def _step(rollout: Rollout, blind: Iterable[Alert]) -> timedelta:
    """The shortest time that one must be sustained, but not so short that it takes many evaluations."""
    times = sorted(alert.sustained for alert in blind)
    least = next((one for one in times if one >= max(times[-1], REMEMBER) / 4), REMEMBER)
    return -(-least // rollout.evaluate) * rollout.evaluate


def _because(course: Course, of: Iterable[Alert], reason: str) -> Look:
    known = {alert.name for alert in of}
    states = {name: states for name, states in course.states.items() if name in known}
    return Look(course.now, states, only=("reason", reason))


def _one_reason(guardrail: Guardrail) -> bool:
    """Whether its own series are all that it can miss."""
    used = [
        *(c for alert in guardrail.alerts for c in alert.conditions),
        *(s.condition for s in guardrail.success),
    ]
    return all(one.reference is None for one in used)


def _needs_stage(guardrail: Guardrail) -> bool:
    used = [
        *(c for alert in guardrail.alerts for c in alert.conditions),
        *(s.condition for s in guardrail.success),
    ]
    told = any(c.reference and c.reference.kind is not ReferenceKind.ago for c in used)
    timed = any(alert.during for alert in guardrail.alerts)
    return told or timed or bool(guardrail.arms) or any(condition.staged for condition in used)


def climb(rollout: Rollout) -> Iterator[Story]:
    """An alert as Prometheus keeps it, as long as the last level takes and then no more, beside such that climb to nobody."""
    unresolved = [
        a for a in rollout.alerts if a.tier in names.TIERS and (names.MODE, names.SHADOW) not in a.labels
    ]
    alert = max(
        unresolved, key=lambda one: sum(level.hears(one) for level in rollout.escalation), default=None
    )
    levels = [level for level in rollout.escalation if alert is not None and level.hears(alert)]
    if alert is None or not levels:
        return
    every, last = rollout.evaluate, max(level.after for level in levels)
    step = max(every, min(level.after for level in levels), last / LONGEST)
    step = -(-step // every) * every
    course = Course(step, Timeline(rollout.scrape), {(level.alert.name, ""): level.alert for level in levels})
    fires = _firing({names.ALERTNAME: "Unresolved", **dict(alert.labels)})
    other = _others({names.ALERTNAME: "Other", **dict(alert.labels), names.GUARDRAIL: "other"})
    if all(level.severities for level in rollout.escalation):
        other |= _firing({names.ALERTNAME: "Other", **dict(alert.labels), names.SEVERITY: "other"})
    other |= _present(rollout)
    looks, texts = list[Look](), list[Text]()
    carried = {name: text for name, text in alert.labels if name in _CARRIED}
    alone = all(one.sustained > last + 3 * step for one in rollout.alerts if one.tier == names.BLIND)
    for unresolved_yet in (*[True] * (-(-last // step) + 1), False):
        feeds = {**other, **fires} if unresolved_yet else other
        course.go_on(feeds, dict.fromkeys(course.alerts, unresolved_yet), None)
        looks.append(Look(course.now, course.states, only=(names.TIER, alert.tier)))
        new = {text.alert.name for text in texts}
        texts += [
            Text(level.alert, course.now, carried, Decimal(1))
            for level in levels
            if alone and course.states[level.alert.name] == FIRES and level.alert.name not in new
        ]
    course.looks = looks
    yield course.story(CLIMBS, names.ESCALATION, texts)


def _present(rollout: Rollout) -> dict[Key, At]:
    """What some guardrail would miss."""
    measures = (signal.measure.inner for guardrail in rollout.guardrails for signal in guardrail.signals)
    return {chosen(one.metric, {}): At(Decimal(1)) for one in measures if isinstance(one, Absence)}


def _firing(labels: dict[str, str], state: str = "firing") -> dict[Key, At]:
    return {Key.of("ALERTS", {"alertstate": state, **labels}): At(Decimal(1))}


def _others(labels: dict[str, str]) -> dict[Key, At]:
    """Alerts that climb to nobody: pending, in the shadow, on a level already, another rollout's."""
    aside = (
        {names.MODE: names.SHADOW},
        {names.LEVEL: "other"},
        {names.ROLLOUT: "other"},
    )
    found = _firing(labels, "pending")
    for other in aside:
        found |= _firing({**labels, **other})
    return found
