"""What is compared with some time ago, or with another arm: a figure that is missing or 0 is blind and counts for nothing."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from handrail.declare import (
    Ago,
    BeforeRollout,
    Count,
    Critical,
    Drop,
    DropPoints,
    Gauge,
    Growth,
    Guardrail,
    Increase,
    Not,
    Rate,
    Ratio,
    Rise,
    StableArm,
    While,
)
from handrail.declare.limits import Reference
from handrail.declare.measures import Measure
from handrail.plan import Rollout as Planned

from .judged import IN_10, Asked, complaints, firing, shop

AN_HOUR_AGO = Ago("1h")


def judged(measure: Measure, limit: Drop | DropPoints, against: Reference = AN_HOUR_AGO) -> Planned:
    """A rollout with one guardrail, which may not drop."""
    it = Guardrail("it", measure, against=against, success=Not(limit), tiers=[Critical(limit)])
    return shop(it, arms=isinstance(against, StableArm))


def blind(at: str, *reasons: str) -> Asked:
    """It is blind for these reasons and no other."""
    expr = 'count by (reason) (ALERTS{alertstate="firing",tier="blind"})'
    return Asked(expr, at, {f'{{reason="{reason}"}}': 1.0 for reason in reasons})


def counts(rollout: Planned, at: str, yes: bool) -> Asked:
    """Whether its criterion could be judged at that time."""
    [criterion] = rollout.guardrails[0].success
    return Asked(f"count({criterion.seen})", at, {"{}": 1.0} if yes else {})


BEFORE = 'handrail_reference{rollout="shop",guardrail="it",reference="before"}'
TOO_LOW = "nothing can drop below its reference"
AT_MOST_0 = "its reference is 0 or below"
NO_HISTORY = "there is no history of 1h"
USERS = Gauge("users")
AWAKE = While(USERS, condition=Gauge("awake"), above=20)


@pytest.mark.parametrize(
    ("then", "reasons", "met"),
    [
        ("100x400", (), True),
        ("0x250 100x150", (AT_MOST_0,), False),
        ("-10x250 100x150", (AT_MOST_0,), False),
        ("_x250 100x150", (NO_HISTORY,), False),
    ],
    ids=["as many", "nobody", "below 0", "no rows"],
)
def test_a_drop_from_nothing_is_blind_and_counts_for_no_criterion(
    promtool: str, then: str, reasons: tuple[str, ...], met: bool
) -> None:
    rollout = judged(USERS, Drop("10%"))
    asked = [blind("80m", *reasons), counts(rollout, "80m", met)]
    assert complaints(promtool, rollout, {"users": then}, *asked) == ""


COLD = "its reference is below 0"
DEGREES = Gauge("celsius")


@pytest.mark.parametrize(
    ("then", "now", "reasons", "met", "alerts"),
    [
        ("-10", "-10", (COLD,), False, []),
        ("-10", "90", (COLD,), False, []),
        ("0", "0", (), True, []),
        ("0", "1", (), True, ["ShopItCritical"]),
        ("10", "-10", (), True, []),
        ("10", "12", (), True, ["ShopItCritical"]),
    ],
)
@pytest.mark.parametrize(
    "against", [AN_HOUR_AGO, StableArm(), BeforeRollout()], ids=lambda one: type(one).__name__
)
def test_a_rise_from_below_0_is_blind_and_counts_for_no_criterion(
    promtool: str,
    against: Reference,
    then: str,
    now: str,
    reasons: tuple[str, ...],
    met: bool,
    alerts: list[str],
) -> None:
    limit = Rise("10%")
    it = Guardrail("it", DEGREES, against=against, success=Not(limit), tiers=[Critical(limit)])
    rollout = shop(it, arms=isinstance(against, StableArm))
    series = {
        Ago: {"celsius": f"{then}x250 {now}x150"},
        StableArm: {'celsius{track="canary"}': f"{now}x400", 'celsius{track="stable"}': f"{then}x400"},
        BeforeRollout: {"celsius": f"{now}x400", BEFORE: f"{then}x400"},
    }[type(against)]
    asked = [
        blind("80m", *reasons),
        counts(rollout, "80m", met),
        firing("80m", *alerts, *["ShopItBlind"] * bool(reasons)),
    ]
    assert complaints(promtool, rollout, IN_10 | series, *asked) == ""


def test_above_a_floor_a_rise_from_below_0_is_one(promtool: str) -> None:
    it = Guardrail("it", DEGREES, against=AN_HOUR_AGO, tiers=[Critical(Rise("10%", floor=0))])
    for now, alerts in (("-1", []), ("0", []), ("1", ["ShopItCritical"])):
        series = {"celsius": f"-10x250 {now}x150"}
        assert complaints(promtool, shop(it), series, firing("80m", *alerts)) == ""


@pytest.mark.parametrize(
    ("awake", "alerts"),
    [
        ("100x400", ["ShopItCritical"]),
        ("0x250 100x150", ["ShopItBlind"]),
        ("_x250 100x150", ["ShopItBlind"]),
        ("100x250 0x150", []),
    ],
    ids=["it held then", "it did not hold then", "nobody knows", "it does not hold now"],
)
def test_a_drop_that_is_judged_only_while_something_holds_is_found_or_blind(
    promtool: str, awake: str, alerts: list[str]
) -> None:
    """1000 users an hour ago and 100 now."""
    series = {"users": "1000x250 100x150", "awake": awake}
    assert complaints(promtool, judged(AWAKE, Drop("20%")), series, firing("80m", *alerts)) == ""


@pytest.mark.parametrize(
    ("measure", "series"),
    [
        (Rate("orders_total"), {"orders_total": "0x250 0+100x150"}),
        (Increase("orders_total"), {"orders_total": "0x250 0+100x150"}),
        (
            Ratio(good='orders_total{paid="yes"}', of="orders_total"),
            {'orders_total{paid="yes"}': "0x250 0+90x150", 'orders_total{paid="no"}': "0+100x400"},
        ),
        (Count("users", presence="up"), {"users": "_x250 1x150", "up": "1x400"}),
        (While(Gauge("users", unit="bytes"), condition=Gauge("up")), {"users": "0x250 9x150", "up": "1x400"}),
    ],
    ids=lambda one: type(one).__name__ if not isinstance(one, dict) else "",
)
def test_whatever_is_measured_nothing_drops_below_0(
    promtool: str, measure: Measure, series: Mapping[str, str]
) -> None:
    rollout = judged(measure, Drop("50%"))
    assert complaints(promtool, rollout, series, blind("80m", TOO_LOW), counts(rollout, "80m", False)) == ""


def test_no_share_drops_by_more_points_than_it_has(promtool: str) -> None:
    """1 % was good an hour ago: five points less is no share."""
    rollout = judged(Ratio(good='done_total{well="yes"}', of="done_total"), DropPoints("5%"))
    series = {'done_total{well="yes"}': "0+1x400", 'done_total{well="no"}': "0+99x400"}
    assert complaints(promtool, rollout, series, blind("80m", TOO_LOW), counts(rollout, "80m", False)) == ""


def test_a_stable_arm_that_sells_nothing_says_nothing_of_the_canary(promtool: str) -> None:
    rollout = judged(Rate("orders_total"), Drop("50%"), against=StableArm())
    series = IN_10 | {'orders_total{track="canary"}': "0+1x400", 'orders_total{track="stable"}': "0x400"}
    assert complaints(promtool, rollout, series, blind("80m", TOO_LOW), counts(rollout, "80m", False)) == ""


def test_a_captured_figure_of_0_is_none_to_drop_from(promtool: str) -> None:
    rollout = judged(USERS, Drop("50%"), against=BeforeRollout())
    series = IN_10 | {"users": "9x400", BEFORE: "0x400"}
    assert complaints(promtool, rollout, series, blind("80m", AT_MOST_0), counts(rollout, "80m", False)) == ""
    enough = series | {BEFORE: "12x400"}
    assert complaints(promtool, rollout, enough, blind("80m"), counts(rollout, "80m", True)) == ""


@pytest.mark.parametrize(
    ("then", "alerts", "met"),
    [
        ("100", ["ShopItCritical"], True),
        ("20", ["ShopItCritical"], True),
        ("19", [], False),
        ("0", [], False),
    ],
)
def test_with_a_least_reference_a_night_is_neither_a_drop_nor_well_nor_blind(
    promtool: str, then: str, alerts: list[str], met: bool
) -> None:
    rollout = judged(USERS, Drop("50%", least=20))
    asked = [firing("80m", *alerts), counts(rollout, "80m", met)]
    assert complaints(promtool, rollout, {"users": f"{then}x250 5x150"}, *asked) == ""


@pytest.mark.parametrize(
    "measure",
    [Rate("orders_total"), Increase("orders_total"), Growth("orders_total", window="5m")],
    ids=["rate", "count", "growth"],
)
@pytest.mark.parametrize("limit", [Drop("20%"), Rise("20%")], ids=["drop", "rise"])
def test_half_a_window_of_an_hour_ago_is_no_reference(
    promtool: str, measure: Measure, limit: Drop | Rise
) -> None:
    """A hundred orders every scrape, as always: an hour before 62 min they had been counted for two minutes of five."""
    it = Guardrail("it", measure, against=AN_HOUR_AGO, success=Not(limit), tiers=[Critical(limit)])
    rollout = shop(it)
    asked = [
        firing("62m30s", "ShopItBlind"),
        blind("62m30s", NO_HISTORY),
        counts(rollout, "62m30s", False),
        firing("67m"),
        counts(rollout, "67m", True),
    ]
    assert complaints(promtool, rollout, {"orders_total": "0+100x400"}, *asked) == ""


SEEN = Count("seen", window="1h", presence="reporter")


@pytest.mark.parametrize(
    ("reporter", "alerts", "counted"),
    [
        ("1x1000", [], 3),
        ("_x500 1x500", ["ShopItBlind"], 3),
        ("1x840 _x100 1x60", ["ShopItBlind"], 0),
    ],
    ids=["it was there", "it was not there two hours ago", "it was away for 25 minutes"],
)
def test_users_of_an_hour_are_counted_only_where_somebody_counted_for_an_hour(
    promtool: str, reporter: str, alerts: list[str], counted: int
) -> None:
    """Three people, each seen for a few minutes of every half hour; each scrape is a quarter of a minute."""
    rollout = judged(SEEN, Drop("20%"), against=Ago("2h"))
    spells = " ".join(["1x20 _x100"] * 9)
    series = {f'seen{{user="{user}"}}': spells for user in ("ann", "bob", "eve")} | {"reporter": reporter}
    three = Asked("max(handrail:guardrail:value) or vector(0)", "244m", {"{}": counted})
    assert complaints(promtool, rollout, series, firing("244m", *alerts), three) == ""


def test_a_baseline_has_the_whole_time_in_it_that_was_asked_for_or_there_is_none(promtool: str) -> None:
    """In the first hour every tenth request fails, in the second none."""
    errors = Ratio(bad='requests_total{code="500"}', of="requests_total")
    it = Guardrail("it", errors, against=BeforeRollout(over="2h"), tiers=[Critical(Rise("50%", floor="1%"))])
    rollout = shop(it)
    [captured] = rollout.playbook.guardrails[0].references
    series = {
        'requests_total{code="500"}': "0+10x240 2400x400",
        'requests_total{code="200"}': "0+90x240 21600+100x240 45600x160",
    }
    mean = Asked(f"round({captured.expr}, 0.01)", "120m", {"{}": 0.05})
    too_young = Asked(captured.expr, "119m", {})
    assert complaints(promtool, rollout, {k: f"_ {v}" for k, v in series.items()}, too_young) == ""
    assert complaints(promtool, rollout, series, mean) == ""
