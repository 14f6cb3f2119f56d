"""A rollout's own alerts → a test case: the heartbeat, and who is told of an alert that stays unresolved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from handrail import names
from handrail.emit.document import Data
from handrail.emit.promtool.expect import Broken, Expected, expected
from handrail.emit.promtool.frame import Frame, inner, once, tiers
from handrail.emit.promtool.limits import beyond, ripening
from handrail.emit.promtool.measure import ms
from handrail.emit.promtool.reads import reads
from handrail.emit.promtool.recorded import OTHER
from handrail.emit.promtool.scene import LONGEST, Scenario
from handrail.emit.promtool.series import At, Key, labels_of
from handrail.emit.promtool.stimulus import Feeds, Impossible
from handrail.emit.promtool.storage import matches
from handrail.emit.promtool.text import expanded
from handrail.plan import Alert, EscalationLevel, Gone, Guardrail, Rollout
from handrail.units import span

CLIMBS = "An alert that stays unresolved climbs from level to level, and the heartbeat fires all the while"


def climb(rollout: Rollout) -> Iterator[Data]:
    """One case: an alert that fires for longer than the last level waits."""
    last = max((level.after for level in rollout.escalation), default=timedelta())
    found = _lasting(rollout, last)
    if found is None:
        return
    part, alert = found
    first = part.courses[0].first(alert) or 0
    scenario = part.scenario
    yield {
        "name": f"{CLIMBS}: {scenario.about}",
        "interval": span(rollout.scrape),
        "input_series": [
            {"series": str(key), "values": tape.notation} for key, tape in scenario.tapes.items()
        ],
        "alert_rule_test": [
            *_heartbeat(rollout),
            *(test for level in rollout.escalation for test in _level(level, alert, first, rollout)),
            *_over(part, alert, first, rollout),
        ],
    }


def _lasting(rollout: Rollout, last: timedelta) -> tuple[Expected, Alert] | None:
    """The first tier that can be held over its limit for as long as it takes."""
    for guardrail in rollout.guardrails:
        if guardrail.shadow:
            continue
        frame = Frame(rollout, guardrail)
        for alert, condition in tiers(guardrail):
            stage = frame.stage(condition)
            if once(condition.signal.measure) or condition.reference or ripening(condition):
                continue
            lasts = last + alert.hold + 4 * rollout.evaluate
            if lasts / rollout.evaluate > LONGEST:
                continue
            scene = frame.scene()
            try:
                value = list(beyond(frame, condition, stage))[-1]
                beside = {**frame.around(stage), **_present(rollout), **_unheard(rollout)}
                feeds = {**beside, **frame.bad(condition, value)}
            except Impossible:
                continue
            scene.play(feeds, scene.scrapes(lasts))
            scene.play(
                {**beside, **frame.well()}, scene.scrapes(alert.keep_firing_for + 3 * rollout.evaluate)
            )
            scenario = Scenario(CLIMBS, guardrail.name, guardrail, scene.tapes, scene.clock, fires=(alert,))
            try:
                part = expected(scenario, rollout)
            except Broken:
                continue
            if _alone(part, alert, rollout):
                return part, alert
    return None


def _unheard(rollout: Rollout) -> Feeds:
    """Alerts that climb to nobody: pending, blind, in the shadow, on a level already, another rollout's or environment's."""
    labels = {
        names.ALERTNAME: OTHER,
        "alertstate": "firing",
        names.ROLLOUT: rollout.name,
        names.ENVIRONMENT: rollout.playbook.environment,
        names.GUARDRAIL: OTHER,
        names.TIER: names.TIERS[-1],
    }
    others = (
        {"alertstate": "pending"},
        {names.TIER: names.BLIND},
        {names.MODE: names.SHADOW},
        {names.LEVEL: OTHER},
        {names.ROLLOUT: OTHER},
        {names.ENVIRONMENT: OTHER},
    )
    if not rollout.escalation:
        return {}
    return {Key("ALERTS", labels_of({**labels, **other}.items())): At(Decimal(1)) for other in others}


def _present(rollout: Rollout) -> Feeds:
    """What some guardrail would miss: there, so that its absence is no second alert."""
    return {
        key: feed
        for guardrail in rollout.guardrails
        for signal in guardrail.signals
        if isinstance(inner(signal.measure), Gone)
        for key, feed in Frame(rollout, guardrail).at(signal, Decimal(0)).items()
    }


def _alone(part: Expected, alert: Alert, rollout: Rollout) -> bool:
    """Whether nothing else fires, here or in another guardrail: each level then tells of one alert."""
    others = [_without_absence(g) for g in rollout.guardrails if g is not part.scenario.guardrail]
    if any(matches(s, key) for g in others for s in reads(g) for key in part.scenario.tapes):
        return False
    states = (state for course in part.courses for state in course.states.values())
    return all(not fires or name == alert.name for state in states for name, fires in state.items())


def _without_absence(guardrail: Guardrail) -> Guardrail:
    kept = tuple(signal for signal in guardrail.signals if not isinstance(inner(signal.measure), Gone))
    return replace(guardrail, signals=kept)


def _heartbeat(rollout: Rollout) -> list[Data]:
    return [_fires(rollout.heartbeat, rollout, timedelta(), dict(rollout.heartbeat.labels))]


def _level(level: EscalationLevel, alert: Alert, first: int, rollout: Rollout) -> Iterator[Data]:
    every = ms(rollout.evaluate)
    at = timedelta(milliseconds=first - (-ms(level.after) // every) * every)
    carried = {name: value for name, value in alert.labels if name in _CARRIED}
    yield {"eval_time": span(at - rollout.evaluate), "alertname": level.alert.name, "exp_alerts": []}
    yield _fires(level.alert, rollout, at, carried | dict(level.alert.labels))


def _over(part: Expected, alert: Alert, first: int, rollout: Rollout) -> Iterator[Data]:
    """When the alert has ended, so have the levels."""
    ends = {
        next((t for t, state in course.states.items() if t > first and not state[alert.name]), None)
        for course in part.courses
    }
    end = ends.pop()
    if end is not None and not ends:
        at = span(timedelta(milliseconds=end))
        for level in rollout.escalation:
            yield {"eval_time": at, "alertname": level.alert.name, "exp_alerts": []}


_CARRIED = (names.ROLLOUT, names.SERVICE, names.GUARDRAIL, names.TIER, names.SEVERITY)


def _fires(alert: Alert, rollout: Rollout, at: timedelta, labels: dict[str, str]) -> Data:
    guardrail = dict(alert.labels).get(names.GUARDRAIL, alert.tier)
    texts = {
        "summary": expanded(alert.summary, 1, labels),
        "description": expanded(alert.description, 1, labels),
        "runbook_url": f"{rollout.runbook_url}#{guardrail}",
        "dashboard_url": rollout.dashboard_url,
    }
    fires = [{"exp_labels": labels, "exp_annotations": texts}]
    return {"eval_time": span(at), "alertname": alert.name, "exp_alerts": fires}
