"""The promotion alert fires only while the gate ahead is open, as far as rules can see."""

from __future__ import annotations

import pytest
from handrail import plan
from handrail.declare import Above, Arms, Below, Critical, Environment, Guardrail, Ratio, Rollout, Stage
from handrail.lower import lower

from .judged import Asked, complaints

ERRORS = Guardrail(
    "errors",
    Ratio(bad='requests_total{status="500"}', of="requests_total"),
    success=Below("1%"),
    tiers=[Critical(Above("90%"), sustained="5m")],
)
GOES_ON = Rollout(
    "shop",
    "shop",
    arms=Arms("track", canary="canary", stable="stable"),
    stages=[
        Stage("10%", weight="10%", bake="30m", warm_up="10m", advance="when-met"),
        Stage("50%", weight="50%", bake="30m"),
        Stage("100%", weight="100%", bake="30m", advance="when-met"),
    ],
    guardrails=[ERRORS],
)
OK, BAD = 'requests_total{track="canary",status="200"}', 'requests_total{track="canary",status="500"}'
WELL = {OK: "0+100x400", BAD: "0x400"}


def planned(rollout: Rollout = GOES_ON) -> plan.Rollout:
    (made,) = lower([rollout], Environment("test")).rollouts
    return made


def stage(name: str) -> dict[str, str]:
    """It is in a stage since minute 20."""
    metric = "handrail_rollout_stage"
    found = {
        f'{metric}{{rollout="shop",stage="{one}"}}': f"{int(one == name)}x400"
        for one in ("10%", "50%", "100%")
    }
    return {**found, f'{metric}_entered_timestamp_seconds{{rollout="shop",stage="{name}"}}': "1200x400"}


def asked(at: str, *, fires: bool) -> Asked:
    expr = 'count(ALERTS{alertname="ShopGatePromote",alertstate="firing",action="promote",severity="none"})'
    return Asked(expr, at, {"{}": 1} if fires else {})


def test_it_fires_once_the_stage_has_warmed_up_and_baked_and_its_success_held(promtool: str) -> None:
    series = {**WELL, **stage("10%")}
    said = complaints(promtool, planned(), series, asked("59m", fires=False), asked("61m", fires=True))
    assert said == ""


@pytest.mark.parametrize(
    "series",
    [
        {OK: "0+100x400", BAD: "0x160 50+50x20 1000x220"},
        {OK: "0x400", BAD: "0x400"},
        {},
    ],
    ids=["its success broke", "nothing to judge it by", "no data"],
)
def test_it_does_not_fire_while_success_broke_or_cannot_be_judged(
    promtool: str, series: dict[str, str]
) -> None:
    assert complaints(promtool, planned(), {**series, **stage("10%")}, asked("61m", fires=False)) == ""


def test_a_person_promotes_from_a_stage_that_is_not_declared_to_go_on(promtool: str) -> None:
    assert complaints(promtool, planned(), {**WELL, **stage("50%")}, asked("80m", fires=False)) == ""


def test_behind_the_last_stage_its_success_counts_over_its_whole_time(promtool: str) -> None:
    broke = {OK: "0+100x400", BAD: "0x120 50+50x20 1000x260"}
    last = stage("100%")
    assert complaints(promtool, planned(), {**WELL, **last}, asked("55m", fires=True)) == ""
    assert complaints(promtool, planned(), {**broke, **last}, asked("55m", fires=False)) == ""


def test_without_a_stage_that_goes_on_by_itself_there_is_no_such_alert() -> None:
    by_hand = [Stage("10%", weight="10%", bake="30m"), Stage("100%", weight="100%")]
    assert planned(Rollout("shop", "shop", stages=by_hand, guardrails=[ERRORS])).promotion is None
    assert [gate.into for gate in planned().playbook.gates] == ["50%", "100%", "complete"]
