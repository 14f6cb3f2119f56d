"""Acknowledging an incident stops the escalation of what fired by then; what begins later escalates."""

from __future__ import annotations

import pytest
from handrail.declare import Above, Critical, Environment, Gauge, Guardrail, Level, Rollout
from handrail.lower import lower

from .judged import Asked, complaints


def of(name: str, metric: str) -> Guardrail:
    return Guardrail(name, Gauge(metric), tiers=[Critical(Above("5"), action="investigate")])


ROLLOUT = Rollout(
    "shop",
    "shop",
    guardrails=[of("disk", "disk_used"), of("queue", "queue_length")],
    escalation=[Level("manager", "5m", "the manager")],
)
(PLAN,) = lower([ROLLOUT], Environment("test")).rollouts
FIRES = {"disk_used": "0x4 9x400", "queue_length": "0x80 9x400"}
"""The disk is full from 1 min 15 s on, the queue is long from 20 min 15 s on."""

HAS = 'handrail_incident_acknowledged_timestamp_seconds{rollout="shop"}'


def escalates(at: str, *guardrails: str) -> Asked:
    expr = 'count by (guardrail) (ALERTS{alertstate="firing",alertname="ShopEscalationManager"})'
    return Asked(expr, at, {f'{{guardrail="{one}"}}': 1 for one in guardrails})


def test_without_an_acknowledgement_each_alert_escalates(promtool: str) -> None:
    assert (
        complaints(promtool, PLAN, FIRES, escalates("15m", "disk"), escalates("40m", "disk", "queue")) == ""
    )


def test_an_acknowledgement_stops_what_fired_then_and_nothing_that_begins_later(promtool: str) -> None:
    at_10_min = {HAS: "_x40 600x400"}
    asked = (escalates("9m", "disk"), escalates("15m"), escalates("40m", "queue"))
    assert complaints(promtool, PLAN, {**FIRES, **at_10_min}, *asked) == ""


def test_an_acknowledgement_counts_for_as_long_as_the_receiver_says_so(promtool: str) -> None:
    gone = {HAS: "_x40 600x40 _x400"}
    assert (
        complaints(promtool, PLAN, {**FIRES, **gone}, escalates("15m"), escalates("45m", "disk", "queue"))
        == ""
    )


@pytest.mark.parametrize("rollout", ["other", "shop-2"])
def test_an_acknowledgement_of_another_rollout_stops_nothing(promtool: str, rollout: str) -> None:
    other = {f'handrail_incident_acknowledged_timestamp_seconds{{rollout="{rollout}"}}': "600x400"}
    assert complaints(promtool, PLAN, {**FIRES, **other}, escalates("40m", "disk", "queue")) == ""
