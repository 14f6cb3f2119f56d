"""A rollout's own alerts → one story: the heartbeat, and who is told of an alert that stays unresolved."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.series import At, Key, Timeline, chosen
from handrail.emit.promtool.story import NOTHING, Clock, Context, Life, Span, Story, Text, turns
from handrail.plan import Absence, Alert, Rollout

CLIMBS = "An alert that stays unresolved climbs from level to level until it is over"
AWAKE = "The heartbeat fires all the time"
STEPS = (1, 10, 120, 1440)
LONGEST = 20
_CARRIED = (names.ROLLOUT, names.SERVICE, names.GUARDRAIL, names.TIER, names.SEVERITY)


def heartbeat(rollout: Rollout) -> Story:
    """From the first evaluation on."""
    timeline = Timeline(rollout.scrape)
    life = Life(rollout.heartbeat, Span(NOTHING, NOTHING))
    text = Text(rollout.heartbeat, NOTHING, {}, Decimal(1))
    return Story(
        AWAKE, names.HEARTBEAT, Context(), Clock(rollout.evaluate), timeline, (life,), (NOTHING,), (text,)
    )


def climb(rollout: Rollout) -> Iterator[Story]:
    """An alert as Prometheus keeps it, as long as the last level takes and then no more, beside such that climb to nobody.

    Nothing is measured meanwhile, so all that is guarded is blind sooner or later and climbs as well: later than this.
    """
    unresolved = [alert for alert in rollout.alerts if _climbs(alert)]
    alert = max(
        unresolved, key=lambda one: sum(level.hears(one) for level in rollout.escalation), default=None
    )
    levels = [level for level in rollout.escalation if alert is not None and level.hears(alert)]
    if alert is None or not levels:
        return
    last = max(level.after for level in levels)
    step = next((rollout.evaluate * n for n in STEPS if last <= rollout.evaluate * n * LONGEST), last)
    clock, timeline = Clock(step), Timeline(rollout.scrape)
    fires = _firing({names.ALERTNAME: "Unresolved", **dict(alert.labels)})
    other = _others({names.ALERTNAME: "Other", **dict(alert.labels), names.GUARDRAIL: "other"})
    if all(level.severities for level in rollout.escalation):
        other |= _firing({names.ALERTNAME: "Other", **dict(alert.labels), names.SEVERITY: "other"})
    other |= present(rollout)
    begins = Span(NOTHING, NOTHING)
    timeline.play({**fires, **other}, clock.times(last) + 2 * step)
    ends = Span(clock.first(timeline.now), clock.first(timeline.now))
    timeline.play(other, timeline.now + 2 * step)
    lives = tuple(Life(level.alert, begins, ends, only=(names.TIER, alert.tier)) for level in levels)
    carried = {name: text for name, text in alert.labels if name in _CARRIED}
    texts = tuple(
        Text(level.alert, begins.last + clock.times(level.after), carried, Decimal(1))
        for level in levels
        if all(one.sustained > step for one in rollout.alerts if one.tier == names.BLIND)
    )
    yield Story(CLIMBS, names.ESCALATION, Context(), clock, timeline, lives, turns(lives, clock), texts)


def _climbs(alert: Alert) -> bool:
    return alert.tier in names.TIERS and (names.MODE, names.SHADOW) not in alert.labels


def present(rollout: Rollout) -> dict[Key, At]:
    """What some guardrail would miss."""
    found = {}
    for guardrail in rollout.guardrails:
        for measure in (signal.measure.inner for signal in guardrail.signals):
            if isinstance(measure, Absence):
                found[chosen(measure.metric, {})] = At(Decimal(1))
    return found


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
