"""Little traffic: failures are found by their number, and what cannot be judged is reported as thin."""

from __future__ import annotations

from decimal import Decimal

import pytest
from handrail import plan
from handrail.declare import (
    Above,
    BeforeRollout,
    Below,
    Critical,
    Emergency,
    Guardrail,
    Latency,
    Ratio,
    Rise,
    RisePoints,
    SlowerThan,
    StableArm,
    Warning,
)
from handrail.declare.guardrail import Tier
from handrail.declare.measures import Measure

from .judged import IN_10, complaints, firing, shop

ERRORS = Guardrail(
    "errors",
    Ratio(bad='requests_total{code="500"}', of="requests_total"),
    tiers=[Warning(Above("0.5%")), Emergency(Above("5%"), action="investigate")],
    thin_after="10m",
)
LATENCY = Guardrail(
    "latency", Latency("seconds", p=95, buckets=[1]), tiers=[Critical(Above("1s"))], thin_after="10m"
)


def requests(good: str, bad: str) -> dict[str, str]:
    """Requests, and that a target answers."""
    counted = {
        f'requests_total{{instance="a",code="{code}"}}': v for code, v in (("200", good), ("500", bad))
    }
    return {**counted, 'up{job="shop",instance="a"}': "1x200", **IN_10}


def test_an_outage_at_ten_requests_a_minute_is_found(promtool: str) -> None:
    all_fail = requests("100x200", "0+2.5x200")
    assert (
        complaints(promtool, shop(ERRORS), all_fail, firing("5m", "ShopErrorsWarning", "ShopErrorsEmergency"))
        == ""
    )


def test_three_failed_requests_at_night_are_no_breach(promtool: str) -> None:
    three_of_forty = requests("0+2x200", "0 0 0 0 1 2 3x200")
    assert complaints(promtool, shop(ERRORS), three_of_forty, firing("5m")) == ""


def test_half_of_ten_writes_a_minute_that_fail_are_found_by_their_good_ones(promtool: str) -> None:
    writes = Guardrail(
        "writes",
        Ratio(good='requests_total{code="200"}', of="requests_total"),
        tiers=[Warning(Below("99%")), Critical(Below("90%"))],
    )
    half = requests("0+1.25x200", "0+1.25x200")
    found = firing("6m", "ShopWritesWarning", "ShopWritesCritical")
    assert complaints(promtool, shop(writes), half, found) == ""


def test_what_no_count_can_judge_says_so_after_its_time_and_in_an_attempt_alone(promtool: str) -> None:
    few = {
        'seconds_count{instance="a"}': "0+2x200",
        'seconds_bucket{instance="a",le="1"}': "0+2x200",
        'seconds_bucket{instance="a",le="+Inf"}': "0+2x200",
        'up{job="shop",instance="a"}': "1x200",
    }
    asked = firing("9m"), firing("12m", "ShopLatencyThin")
    assert complaints(promtool, shop(LATENCY), {**few, **IN_10}, *asked) == ""
    idle = {series: values.replace("1x400", "0x400") for series, values in IN_10.items()}
    assert complaints(promtool, shop(LATENCY), {**few, **idle}, firing("12m")) == ""


def times(quick: int, slow: int, *, slowest: str = "5") -> dict[str, str]:
    """So many requests of less than 0.1 s, and of 1 to 5 s, in each 20 scrapes, which are five minutes."""
    beats = [(quick if n % 20 == 0 else 0, slow if n % 20 == 10 else 0) for n in range(120)]
    totals = {"0.1": 0, "1": 0, slowest: 0, "+Inf": 0}
    series: dict[str, list[str]] = {le: [] for le in totals}
    for fast, late in beats:
        for le, so_far in totals.items():
            totals[le] = so_far + fast + (late if le in {slowest, "+Inf"} else 0)
            series[le].append(str(totals[le]))
    found = {f'seconds_bucket{{instance="a",le="{le}"}}': " ".join(values) for le, values in series.items()}
    return {**found, 'seconds_count{instance="a"}': found['seconds_bucket{instance="a",le="+Inf"}'], **UP}


UP = {'up{job="shop",instance="a"}': "1x200", **IN_10}
P50, P95 = (
    Guardrail(
        f"p{p}",
        Latency("seconds", p=p, buckets=[0.1, 1, 5]),
        tiers=[Warning(Above("100ms")), Critical(Above("1s"))],
        thin_after="6h",
    )
    for p in (50, 95)
)


@pytest.mark.parametrize(
    ("guardrail", "quick", "slow", "alerts"),
    [
        (P50, 0, 90, ["ShopP50Warning", "ShopP50Critical"]),
        (P50, 30, 60, ["ShopP50Warning", "ShopP50Critical"]),
        (P50, 45, 45, []),
        (P95, 78, 12, ["ShopP95Warning", "ShopP95Critical"]),
        (P95, 0, 12, ["ShopP95Warning", "ShopP95Critical"]),
        (P95, 81, 9, []),
        (P95, 90, 0, []),
    ],
)
def test_a_quantile_of_few_requests_is_broken_where_more_quick_ones_would_not_mend_it(
    guardrail: Guardrail, quick: int, slow: int, alerts: list[str]
) -> None:
    found = firing("22m", *alerts)
    assert complaints("promtool", shop(guardrail), times(quick, slow), found) == ""


def test_a_quantile_of_few_requests_is_compared_with_its_reference_as_well() -> None:
    measure = Latency("seconds", p=95, buckets=[0.1, 1, 5])
    rises = Guardrail("p95", measure, against=BeforeRollout(), tiers=[Critical(Rise("10%"))], thin_after="6h")
    before = {'handrail_reference{rollout="shop",guardrail="p95",reference="before"}': "0.8x120"}
    found, none = firing("22m", "ShopP95Critical"), firing("22m")
    assert complaints("promtool", shop(rises), times(78, 12) | before, found) == ""
    assert complaints("promtool", shop(rises), times(90, 0) | before, none) == ""


def test_enough_traffic_and_none_at_all_say_nothing(promtool: str) -> None:
    assert complaints(promtool, shop(ERRORS), requests("0+40x200", "0x200"), firing("12m")) == ""
    assert complaints(promtool, shop(ERRORS), requests("7x200", "0x200"), firing("12m")) == ""


@pytest.mark.parametrize(
    ("measure", "tier", "bad"),
    [
        (Ratio("all_total", bad="bad_total"), Critical(Above("1%")), 10),
        (Ratio("all_total", bad="bad_total"), Critical(Above("40%")), 41),
        (Ratio("all_total", good="good_total"), Critical(Below("70%")), 31),
        (Ratio("all_total", bad="bad_total", min_bad=25), Critical(Above("1%")), 25),
        (Ratio("all_total", bad="bad_total"), Critical(Above({"10%": "1%", "100%": "20%"})), 21),
        (SlowerThan("seconds", "1s", buckets=[1]), Critical(Above("5%")), 10),
        (Ratio("all_total", bad="bad_total", min_events=10), Critical(Above("1%")), None),
        (Ratio("all_total", bad="bad_total"), Critical(Below("1%")), None),
        (Ratio("all_total", bad="bad_total"), Critical(RisePoints("1%")), None),
        (Latency("seconds", p=50, buckets=[1]), Critical(Above("1s")), 51),
        (Latency("seconds", p=50, buckets=[1], min_events=20), Critical(Above("1s")), 11),
        (Latency("seconds", p=95, buckets=[1]), Critical(Above("1s")), 11),
        (Latency("seconds", p=99.9, buckets=[1]), Critical(Rise("10%")), 11),
        (Latency("seconds", p=95, buckets=[1], min_events=10), Critical(Above("1s")), None),
        (Latency("seconds", p=95, native=True), Critical(Above("1s")), None),
        (Latency("seconds", p=95, buckets=[1]), Warning(Below("1ms")), None),
    ],
)
def test_so_many_bad_events_would_break_the_limit_among_the_fewest_that_are_judged(
    measure: Measure, tier: Tier, bad: int | None
) -> None:
    assert isinstance(tier, Warning | Critical)
    planned = shop(Guardrail("g", measure, against=StableArm(), tiers=[tier]), arms=True)
    assert planned.guardrails[0].alerts[0].conditions[0].least_bad == bad


def test_no_number_of_bad_events_is_one_that_a_hundred_events_would_not_break() -> None:
    condition = shop(ERRORS).guardrails[0].alerts[1].conditions[0]
    assert isinstance(condition, plan.Condition)
    assert condition.least_bad is not None
    assert Decimal(condition.least_bad) / 100 > Decimal("0.05")
