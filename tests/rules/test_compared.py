"""What a guardrail is compared with, and what it reads its value from: where nothing is known, nothing is judged."""

from __future__ import annotations

import pytest
from handrail.declare import (
    Above,
    Ago,
    Arms,
    BeforeRollout,
    Below,
    Command,
    Critical,
    Drop,
    Environment,
    Guardrail,
    Is,
    Latency,
    PromQL,
    Rate,
    Ratio,
    Rise,
    RisePoints,
    Rollout,
    SlowerThan,
    StableArm,
    Stage,
    State,
    Usage,
    Warning,
    While,
)
from handrail.lower import lower

from .judged import IN_10, Asked, complaints, firing, shop, value

ERRORS = Ratio(bad='requests_total{code="500"}', of="requests_total")
AN_HOUR_AGO = Guardrail(
    "errors", ERRORS, against=Ago("1h"), tiers=[Critical(RisePoints("5%"), action="rollback")]
)


def test_a_histogram_that_lost_the_bucket_of_a_bound_is_blind(promtool: str) -> None:
    slow = Guardrail(
        "slow", SlowerThan("page_seconds", "400ms", buckets=[0.4]), tiers=[Critical(Above("1%"))]
    )
    counted = {"page_seconds_count": "0+100x80", 'page_seconds_bucket{le="+Inf"}': "0+100x80"}
    whole = counted | {'page_seconds_bucket{le="0.4"}': "0+100x80"}
    assert complaints(promtool, shop(slow), counted, firing("10m", "ShopSlowBlind")) == ""
    assert complaints(promtool, shop(slow), whole, firing("10m")) == ""


def test_a_histogram_without_buckets_is_blind_and_at_rest_it_is_not(promtool: str) -> None:
    p95 = Guardrail("p95", Latency("page_seconds", p=95, buckets=[0.4]), tiers=[Critical(Above("300ms"))])
    assert (
        complaints(promtool, shop(p95), {"page_seconds_count": "0+100x80"}, firing("10m", "ShopP95Blind"))
        == ""
    )
    assert complaints(promtool, shop(p95), {"page_seconds_count": "100x80"}, firing("15m")) == ""


def test_a_stable_arm_without_buckets_is_nothing_to_compare_with(promtool: str) -> None:
    beside = Guardrail(
        "p95",
        Latency("page_seconds", p=95, buckets=[0.4]),
        against=StableArm(),
        tiers=[Critical(Rise("50%"))],
    )
    series = IN_10 | {
        f'page_seconds_{part}track="{arm}"}}': "0+100x80"
        for arm in ("canary", "stable")
        for part in ("count{", 'bucket{le="0.4",', 'bucket{le="+Inf",')
        if arm == "canary" or "bucket" not in part
    }
    assert complaints(promtool, shop(beside, arms=True), series, firing("10m", "ShopP95Blind")) == ""


def test_rest_an_hour_ago_is_known_history_and_no_blindness(promtool: str) -> None:
    quiet = {'requests_total{code="200"}': "100x400", 'requests_total{code="500"}': "0x400"}
    assert (
        complaints(promtool, shop(AN_HOUR_AGO), quiet, firing("50m", "ShopErrorsBlind"), firing("95m")) == ""
    )


def test_five_requests_an_hour_ago_are_nothing_to_compare_with(promtool: str) -> None:
    """10 % fail now. An hour ago none of 5 did, or none of 500."""
    few = {
        'requests_total{code="200"}': "0x60 0+1x4 5x205 5+90x130",
        'requests_total{code="500"}': "0x270 0+10x130",
    }
    many = few | {'requests_total{code="200"}': "0x60 0+100x4 500x205 500+90x130"}
    assert complaints(promtool, shop(AN_HOUR_AGO), few, firing("78m")) == ""
    assert complaints(promtool, shop(AN_HOUR_AGO), many, firing("78m", "ShopErrorsCritical")) == ""


def test_a_canary_is_compared_with_what_the_stable_arm_was_some_time_ago(promtool: str) -> None:
    """The canary is new and fails at 20 %; an hour ago the stable arm failed at 10 %, or at 18 %."""
    staged = {name: text.replace("x400", "x700") for name, text in IN_10.items()}
    for failed, alerts in ((10, ["ShopErrorsCritical"]), (18, [])):
        series = staged | {
            'requests_total{code="500",track="stable"}': f"0+{failed}x700",
            'requests_total{code="200",track="stable"}': f"0+{100 - failed}x700",
            'requests_total{code="500",track="canary"}': "_x260 0+20x400",
            'requests_total{code="200",track="canary"}': "_x260 0+80x400",
        }
        assert complaints(promtool, shop(AN_HOUR_AGO, arms=True), series, firing("70m", *alerts)) == ""


def test_a_rate_that_is_still_young_has_not_dropped(promtool: str) -> None:
    """100/s from the first scrape on: over five minutes that reads as 5/s at first."""
    busy = Guardrail("busy", Rate("orders_total"), tiers=[Critical(Below("80/s"), action="rollback")])
    bound = Guardrail(
        "bound", While(Rate("orders_total"), condition=Rate("visits_total")), tiers=[Critical(Below("80/s"))]
    )
    series = {"orders_total": "0+1500x80", "visits_total": "0+1500x80"}
    calm = [firing(at) for at in ("30s", "2m", "5m", "6m", "10m")]
    assert complaints(promtool, shop(busy, bound), series, *calm) == ""
    fallen = {"orders_total": "0+1500x40 60000+750x60", "visits_total": "0+1500x80"}
    assert (
        complaints(
            promtool, shop(busy, bound), fallen, firing("16m", "ShopBusyCritical", "ShopBoundCritical")
        )
        == ""
    )


def test_the_figure_from_before_a_canary_is_the_stable_arms(promtool: str) -> None:
    """What the receiver captures: 10 % while there were events enough, whatever a night with few of them said."""
    before = Guardrail("errors", ERRORS, against=BeforeRollout(), tiers=[Critical(Rise("50%"))])
    rollout = shop(before, arms=True)
    [captured] = rollout.playbook.guardrails[0].references
    series = {
        'requests_total{code="500",track="stable"}': "0+1x60 60+10x180",
        'requests_total{code="200",track="stable"}': "0x60 0+90x180",
    }
    tenth = Asked(f"round({captured.expr}, 0.01)", "60m", {CAPTURED: 0.1})
    assert complaints(promtool, rollout, series, tenth) == ""


CAPTURED = '{guardrail="errors",rollout="shop",track="stable"}'


def test_arms_may_be_called_by_versions(promtool: str) -> None:
    """A dot is a dot: v1.2 is not v1x2."""
    rollout = Rollout(
        "shop",
        "shop",
        stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
        arms=Arms("version", canary="v1.2+b", stable="v1.1"),
        guardrails=[Guardrail("errors", ERRORS, against=StableArm(), tiers=[Critical(Rise("50%"))])],
        rollback=[Command(["undo"], read=["is-undone"])],
    )
    [planned] = lower([rollout], Environment("test")).rollouts
    series = IN_10 | {
        'requests_total{code="500",version="v1.2+b"}': "0+20x80",
        'requests_total{code="200",version="v1.2+b"}': "0+80x80",
        'requests_total{code="500",version="v1.1"}': "0+10x80",
        'requests_total{code="200",version="v1.1"}': "0+90x80",
        'requests_total{code="500",version="v1x1"}': "0+99x80",
    }
    assert complaints(promtool, planned, series, firing("8m", "ShopErrorsCritical")) == ""


def test_a_rate_that_dropped_against_an_hour_ago_is_found(promtool: str) -> None:
    """An hour ago a new Prometheus began to look: what it read then was too low, which is blind and no rise."""
    dropped = Guardrail("busy", Rate("orders_total"), against=Ago("1h"), tiers=[Critical(Drop("50%"))])
    risen = Guardrail("busy", Rate("orders_total"), against=Ago("1h"), tiers=[Critical(Rise("50%"))])
    young = [firing(at, "ShopBusyBlind") for at in ("61m", "63m")]
    steady, halved = {"orders_total": "0+1500x400"}, {"orders_total": "0+1500x260 390000+500x140"}
    assert complaints(promtool, shop(risen), steady, *young, firing("80m")) == ""
    assert complaints(promtool, shop(dropped), halved, firing("85m", "ShopBusyCritical")) == ""


def test_a_state_is_kept_only_while_all_are_in_it(promtool: str) -> None:
    """Two instances: the gate asks for `closed`, and one of them opens from 10m on."""
    breaker = Guardrail("breaker", State("breaker"), success=Is("closed"), tiers=[Critical(Is("open"))])
    rollout = shop(breaker)
    [criterion] = rollout.guardrails[0].success
    series = {
        'breaker{instance="a",state="closed"}': "1x80",
        'breaker{instance="a",state="open"}': "0x80",
        'breaker{instance="b",state="closed"}': "1x39 0x40",
        'breaker{instance="b",state="open"}': "0x39 1x40",
    }
    broken = f"count({criterion.breach})"
    assert (
        complaints(promtool, rollout, series, Asked(broken, "9m", {}), Asked(broken, "11m", {"{}": 1})) == ""
    )


def test_one_full_pool_of_several_is_seen_and_several_half_full_ones_are_none(promtool: str) -> None:
    """Pools of 50 connections: 46 and 4 are in use, or 30 and 30."""
    pool = Guardrail("pool", Usage("pool_in_use", 50, over="max"), tiers=[Critical(Above("90%"))])
    uneven = {'pool_in_use{instance="a"}': "46x20", 'pool_in_use{instance="b"}': "4x20"}
    even = dict.fromkeys(uneven, "30x20")
    assert complaints(promtool, shop(pool), uneven, firing("2m", "ShopPoolCritical")) == ""
    assert complaints(promtool, shop(pool), even, firing("2m")) == ""


def test_entries_that_are_counted_beside_changes_may_be_more_and_a_share_may_not(promtool: str) -> None:
    """Three entries for two changes: all of them have one. Of requests three of two are no share."""
    beside, part = (
        Guardrail(
            name,
            Ratio(good="entries_total", of="changes_total", beside=counted),
            tiers=[Critical(Below("50%"))],
        )
        for name, counted in (("beside", True), ("part", False))
    )
    series = {"entries_total": "0+30x80", "changes_total": "0+20x80"}
    shown = value("12m", {'{guardrail="beside", rollout="shop"}': 1})
    assert complaints(promtool, shop(beside, part), series, shown, firing("12m", "ShopPartBlind")) == ""


def test_of_pools_with_a_size_of_their_own_the_fullest_counts(promtool: str) -> None:
    pool = Guardrail("pool", Usage("pool_in_use", "pool_size", over="max"), tiers=[Critical(Above("90%"))])
    series = {
        'pool_in_use{instance="a"}': "10x20",
        'pool_size{instance="a"}': "10x20",
        'pool_in_use{instance="b"}': "10x20",
        'pool_size{instance="b"}': "100x20",
    }
    assert complaints(promtool, shop(pool), series, firing("2m", "ShopPoolCritical")) == ""


@pytest.mark.parametrize("label", ["queue", "service"])
def test_free_promql_of_several_series_is_compared_series_by_series(promtool: str, label: str) -> None:
    """A label that the alert sets itself is taken away, so that two series are never one alert."""
    guardrail = Guardrail(
        "backlog",
        PromQL(f"sum by ({label}) (length)"),
        against=Ago("10m"),
        tiers=[Warning(Rise("50%"), sustained="1m")],
    )
    series = {f'length{{{label}="a"}}': "100x60 200x100", f'length{{{label}="b"}}': "100x160"}
    said = complaints(promtool, shop(guardrail), series, firing("20m", "ShopBacklogWarning"))
    assert said == ""
