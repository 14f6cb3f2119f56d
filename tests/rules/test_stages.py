"""Any stage, no stage, these stages; what is held through a promotion; what was there before the guardrail."""

from __future__ import annotations

import re

from handrail.declare import (
    Above,
    Absence,
    Ago,
    Arms,
    Command,
    Critical,
    Drop,
    Environment,
    Gauge,
    Guardrail,
    Not,
    On,
    PreviousStage,
    Rate,
    Ratio,
    RisePoints,
    Rollout,
    StableArm,
    Stage,
    Warning,
)
from handrail.emit.groups import rules
from handrail.lower import lower
from handrail.plan import Rollout as Planned

from .judged import Asked, complaints, firing

ARMS = Arms("track", canary="canary", stable="stable")
ERRORS = Ratio(bad='requests_total{status="500"}', of="requests_total", window="1m")
RECEIVER = {'up{job="handrail"}': "1x400"}


def planned(*guardrails: Guardrail, stages: tuple[Stage, ...] = (), arms: Arms | None = ARMS) -> Planned:
    declared = Rollout(
        "shop",
        "shop",
        arms=arms,
        stages=list(stages),
        guardrails=list(guardrails),
        rollback=[Command(["undo"], read=["is-undone"])],
    )
    (one,) = lower([declared], Environment("test")).rollouts
    return one


def at(stage: str, values: str = "1x400") -> dict[str, str]:
    return {f'handrail_rollout_stage{{rollout="shop",stage="{stage}"}}': values}


def arm(name: str, well: str, failed: str = "0x400") -> dict[str, str]:
    return {
        f'requests_total{{track="{name}",status="200"}}': well,
        f'requests_total{{track="{name}",status="500"}}': failed,
    }


def reasons(time: str, *found: str) -> Asked:
    expr = 'count by (reason) (ALERTS{alertstate="firing",tier="blind"})'
    return Asked(expr, time, {f'{{reason="{one}"}}': 1 for one in found})


GUARDED = Guardrail("errors", ERRORS, tiers=[Critical(Above("5%"), sustained="1m", action="rollback")])
COMPARED = Guardrail(
    "errors",
    ERRORS,
    against=StableArm(),
    tiers=[Critical(RisePoints("5%"), sustained="1m", action="rollback")],
)


def test_arms_without_stages_are_judged_whenever_they_are_there(promtool: str) -> None:
    rollout = planned(GUARDED)
    well = {**RECEIVER, **arm("canary", "0+100x400"), **arm("stable", "0+900x400")}
    sick = {**well, **arm("canary", "0+100x400", "0x80 0+50x100")}
    gone = {**RECEIVER, **arm("stable", "0+900x400")}
    assert complaints(promtool, rollout, well, firing("1h"), reasons("1h")) == ""
    assert complaints(promtool, rollout, sick, firing("25m", "ShopErrorsCritical")) == ""
    assert complaints(promtool, rollout, gone, reasons("1h", "its metrics are missing")) == ""


def test_arms_without_stages_are_compared_whenever_they_are_there(promtool: str) -> None:
    rollout = planned(COMPARED)
    sick = {**RECEIVER, **arm("canary", "0+100x400", "0+50x400"), **arm("stable", "0+900x400")}
    alone = {**RECEIVER, **arm("canary", "0+100x400", "0+50x400")}
    assert complaints(promtool, rollout, sick, firing("30m", "ShopErrorsCritical")) == ""
    assert complaints(promtool, rollout, alone, reasons("1h", "the stable arm's metrics are missing")) == ""


def test_in_a_stage_without_canary_traffic_nobody_misses_the_canary(promtool: str) -> None:
    rollout = planned(GUARDED, stages=(Stage("0%", weight="0%", bake="1h"), Stage("10%", weight="10%")))
    dark = {**RECEIVER, **arm("stable", "0+900x400"), **at("0%"), **at("10%", "0x400")}
    light = {**dark, **at("0%", "0x400"), **at("10%")}
    assert complaints(promtool, rollout, dark, reasons("1h")) == ""
    assert complaints(promtool, rollout, light, reasons("1h", "its metrics are missing")) == ""


def test_where_the_canary_has_all_traffic_nobody_misses_the_stable_arm(promtool: str) -> None:
    stages = (Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%"))
    rollout = planned(COMPARED, stages=stages)
    alone = {**RECEIVER, **arm("canary", "0+100x400"), **at("10%", "0x400"), **at("100%")}
    both = {**alone, **at("10%"), **at("100%", "0x400")}
    assert complaints(promtool, rollout, alone, reasons("1h")) == ""
    assert complaints(promtool, rollout, both, reasons("1h", "the stable arm's metrics are missing")) == ""


def test_from_blue_to_green_at_once_no_stage_has_both(promtool: str) -> None:
    """No stage is none of them, and not all of them: nothing asks for the arm that has no traffic."""
    stages = (Stage("blue", weight="0%", bake="1h"), Stage("green", weight="100%"))
    rollout = planned(COMPARED, stages=stages)
    blue = {**RECEIVER, **arm("stable", "0+900x400"), **at("blue"), **at("green", "0x400")}
    green = {**RECEIVER, **arm("canary", "0+900x400"), **at("blue", "0x400"), **at("green")}
    assert complaints(promtool, rollout, blue, reasons("1h")) == ""
    assert complaints(promtool, rollout, green, reasons("1h")) == ""


STAGES = (
    Stage("10%", weight="10%", bake="1h"),
    Stage("50%", weight="50%", bake="1h"),
    Stage("100%", weight="100%"),
)
TIGHTER = Guardrail(
    "errors",
    ERRORS,
    tiers=[Critical(Above({"10%": "2%", "50%": "1%", "100%": "1%"}), sustained="10m", action="rollback")],
)


def test_a_promotion_ends_nothing_that_was_sustained_so_far(promtool: str) -> None:
    """The breach began in the stage before, and is sustained through the promotion at the ninth minute."""
    series = {
        **RECEIVER,
        **at("10%", "1x36 0x364"),
        **at("50%", "0x36 1x364"),
        **at("100%", "0x400"),
        **arm("canary", "0+950x400", "0+50x400"),
    }
    fires = [firing(time, "ShopErrorsCritical") for time in ("12m", "15m", "19m")]
    assert complaints(promtool, planned(TIGHTER, stages=STAGES), series, firing("10m"), *fires) == ""


def test_while_two_receivers_name_two_stages_the_tighter_limit_counts(promtool: str) -> None:
    series = {
        **RECEIVER,
        'handrail_rollout_stage{rollout="shop",stage="10%",instance="a"}': "1x400",
        'handrail_rollout_stage{rollout="shop",stage="50%",instance="b"}': "1x400",
        **arm("canary", "0+985x400", "0+15x400"),
    }
    said = complaints(promtool, planned(TIGHTER, stages=STAGES), series, firing("20m", "ShopErrorsCritical"))
    assert said == ""


def test_a_canary_that_is_gone_is_absent_though_the_stable_arm_is_there(promtool: str) -> None:
    guardrail = Guardrail(
        "errors",
        ERRORS,
        against=StableArm(),
        tiers=[
            Critical(
                RisePoints("1%"), action="rollback", or_=[On("gone", Absence("requests_total"), Above(0))]
            )
        ],
    )
    rollout = planned(guardrail, stages=STAGES)
    series = {**RECEIVER, **at("10%"), **arm("stable", "0+900x400"), **arm("canary", "0+100x40", "0x40")}
    said = complaints(
        promtool,
        rollout,
        series,
        firing("9m"),
        Asked(
            'count by (alertname) (ALERTS{alertstate="firing",tier="critical"})',
            "30m",
            {'{alertname="ShopErrorsCritical"}': 1},
        ),
        every="30s",
    )
    assert said == ""


def test_an_absence_waits_until_prometheus_has_looked_for_its_whole_window(promtool: str) -> None:
    gone = Guardrail("gone", Absence("beats", window="5m"), tiers=[Critical(Above(0), action="rollback")])
    rollout = planned(gone, arms=None)
    late = {**RECEIVER, "beats": "_ _ _ 1x400"}
    never = {**RECEIVER}
    assert complaints(promtool, rollout, late, *(firing(time) for time in ("0m", "30s", "2m", "6m"))) == ""
    assert (
        complaints(promtool, rollout, never, firing("2m"), firing("6m", "ShopGoneCritical"), every="30s")
        == ""
    )


def test_what_is_compared_with_last_week_is_looked_for_in_the_services_own_series() -> None:
    guardrail = Guardrail(
        "searches", Rate("searches_total"), against=Ago("7d"), tiers=[Warning(Drop("20%"), sustained="5m")]
    )
    texts = [rule["expr"] for group in rules(planned(guardrail))["groups"] for rule in group["rules"]]
    assert [text for text in texts if 'searches_total{track="canary"' in text and "offset 7d" in text] == []
    assert [text for text in texts if re.search(r"handrail:\S+ offset", text)] == []
    assert any(re.search(r"rate\(searches_total\S+ offset 7d\)", text) for text in texts)


DARK = (
    Stage("0%", weight="0%", bake="1h"),
    Stage("10%", weight="10%", bake="1h"),
    Stage("50%", weight="50%", bake="1h"),
    Stage("100%", weight="100%"),
)


def test_the_stage_before_is_the_last_one_in_which_the_canary_had_traffic(promtool: str) -> None:
    """Nothing is captured of a stage without it, and nothing waits for that figure."""
    limit = RisePoints(3)
    it = Guardrail(
        "it",
        Gauge("depth"),
        against=PreviousStage(),
        success=Not(limit),
        tiers=[Critical(limit)],
        blind_after="1m",
    )
    rollout = planned(it, stages=DARK)
    captured = 'handrail_reference{rollout="shop",guardrail="it",reference="stage:10%"}'
    series = RECEIVER | {'depth{track="canary"}': "9x400"}
    for here, alerts in (
        (at("10%"), []),
        (at("50%"), ["ShopItBlind"]),
        (at("50%") | {captured: "5x400"}, ["ShopItCritical"]),
        (at("50%") | {captured: "6x400"}, []),
    ):
        assert complaints(promtool, rollout, series | here, firing("20m", *alerts)) == ""
    [facts] = rollout.playbook.guardrails
    assert [query.reference for query in facts.references] == ["stage:10%", "stage:50%"]
    asked = {gate.into: [one.guardrail for one in gate.criteria] for gate in rollout.playbook.gates}
    assert asked == {"10%": [], "50%": [], "100%": ["it"], "complete": ["it"]}


def test_a_service_that_is_judged_as_a_whole_has_a_figure_of_every_stage(promtool: str) -> None:
    limit = RisePoints(3)
    it = Guardrail("it", Gauge("depth"), against=PreviousStage(), tiers=[Critical(limit)], blind_after="1m")
    rollout = planned(it, stages=DARK, arms=None)
    captured = 'handrail_reference{rollout="shop",guardrail="it",reference="stage:0%"}'
    series = RECEIVER | at("10%") | {"depth": "9x400"}
    assert complaints(promtool, rollout, series, firing("20m", "ShopItBlind")) == ""
    assert complaints(promtool, rollout, series | {captured: "5x400"}, firing("20m", "ShopItCritical")) == ""
