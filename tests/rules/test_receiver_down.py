"""Prometheus and Alertmanager alone report a receiver that is down, for every rollout and whatever its job is called."""

from __future__ import annotations

from pathlib import Path

import pytest
from handrail.declare import Above, Command, Critical, Environment, Gauge, Guardrail, Rollout, Stage, Warning
from handrail.lower import lower
from handrail.plan import Rollout as Planned
from own_rollouts import own_declarations, own_plan

from .judged import Asked, complaints

STAGES = [Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")]
LOOK, ROLL_BACK = Warning(Above("5")), Critical(Above("9"), action="rollback")
SAYS = {
    "staged": 'handrail_rollout_stage{rollout="shop",stage="10%",job="whatever"}',
    "always armed": 'handrail_heartbeat_age_seconds{job="whatever"}',
}
TOP = Path(__file__).parents[2]


def shop(kind: str = "staged", *, shadow: bool = False) -> Planned:
    disk = Guardrail("disk", Gauge("disk"), tiers=[LOOK, ROLL_BACK], mode="shadow" if shadow else "active")
    declared = Rollout(
        "shop",
        "shop",
        stages=STAGES if kind == "staged" else [],
        guardrails=[disk],
        severities={"warning": "P3", "critical": "P2"},
        rollback=[Command(["undo"], read=["is-undone"])],
    )
    (planned,) = lower([declared], Environment("test")).rollouts
    return planned


def gone(at: str, *alerts: str) -> Asked:
    expr = 'count by (alertname, alertstate) (ALERTS{guardrail="receiver"})'
    samples = {f'{{alertname="ShopReceiverDown",alertstate="{state}"}}': 1.0 for state in alerts}
    return Asked(expr, at, samples)


@pytest.mark.parametrize("kind", SAYS)
def test_a_receiver_that_is_gone_for_five_minutes_fires_until_it_is_back(promtool: str, kind: str) -> None:
    series = {SAYS[kind]: "0x40 stale _x39 0x40"}
    asked = (gone("9m"), gone("15m", "pending"), gone("16m", "firing"), gone("21m"))
    assert complaints(promtool, shop(kind), series, *asked) == ""


def test_a_receiver_that_knows_only_other_rollouts_guards_nothing(promtool: str) -> None:
    other = {SAYS["staged"].replace('"shop"', '"kiosk"'): "0x100"}
    assert complaints(promtool, shop(), other, gone("10m", "firing")) == ""


def test_it_is_as_severe_as_what_is_left_undone_in_the_rollouts_own_words() -> None:
    downs = [shop().receiver_down, shop(shadow=True).receiver_down]
    assert [down and down.severity for down in downs] == ["P2", "P3"]


def test_a_rollout_that_asks_nothing_of_a_receiver_does_not_miss_one() -> None:
    look = Guardrail("disk", Gauge("disk"), tiers=[LOOK])
    (planned,) = lower([Rollout("shop", "shop", guardrails=[look])], Environment("test")).rollouts
    assert planned.receiver_down is None


def test_without_stages_a_receiver_that_never_saw_an_attempt_is_there(promtool: str) -> None:
    assert complaints(promtool, shop("always armed"), {SAYS["always armed"]: "10x100"}, gone("20m")) == ""


def test_of_every_rollout_here_alertmanager_tells_people_that_the_receiver_is_gone() -> None:
    place = own_declarations().environment(None)
    downs = {one.name: one.receiver_down for one in own_plan().rollouts}
    assert {
        name: alert and bool(place.routes.get(alert.severity)) for name, alert in downs.items()
    } == dict.fromkeys(downs, True)


@pytest.mark.parametrize(("kind", "lacks"), [("staged", True), ("always armed", False)])
def test_it_says_that_the_playbook_may_be_missing_only_where_it_would_notice(
    kind: str, *, lacks: bool
) -> None:
    down = shop(kind).receiver_down
    assert down is not None
    assert ("lacks the playbook" in down.description) is lacks
