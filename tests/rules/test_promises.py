"""Where others fail: each promise by hand, with numbers that can be checked by eye."""

from __future__ import annotations

from handrail.declare import (
    Above,
    Absence,
    BeforeRollout,
    Critical,
    Drop,
    DropPoints,
    Gauge,
    Guardrail,
    Increase,
    Latency,
    Rate,
    Ratio,
    Rise,
    Slo,
    SlowerThan,
    StableArm,
    Warning,
    While,
)

from .judged import IN_10, NEWER, Asked, complaints, firing, shop, value

ERRORS = Ratio(bad='requests_total{code="500"}', of="requests_total")
STAGED = Guardrail("errors", ERRORS, tiers=[Critical(Above({"10%": "5%", "100%": "1%"}), action="rollback")])
PLAIN = Guardrail("errors", ERRORS, tiers=[Critical(Above("5%"), sustained="1m", action="rollback")])
NEVER = Guardrail("never", Increase("denied_total"), tiers=[Critical(Above(0), action="rollback")])
BESIDE = Guardrail("errors", ERRORS, against=StableArm(), tiers=[Critical(Rise("50%"), action="rollback")])

SHOP = '{guardrail="errors",rollout="shop"}'
CANARY = '{guardrail="errors",rollout="shop",track="canary"}'
UP = {'up{job="shop"}': "1x400"}


def test_an_error_series_that_was_never_born_counts_as_none(promtool: str) -> None:
    series = {'requests_total{code="200"}': "0+100x40"}
    assert complaints(promtool, shop(PLAIN), series, value("10m", {SHOP: 0}), firing("10m")) == ""


def test_a_service_at_rest_has_no_value_no_breach_and_is_not_blind(promtool: str) -> None:
    series = {'requests_total{code="200"}': "700x80", 'requests_total{code="500"}': "300x80"}
    assert complaints(promtool, shop(PLAIN), series, value("20m", {}), firing("20m")) == ""


def test_a_vanished_service_is_blind_when_window_and_blind_after_are_over(promtool: str) -> None:
    series = {'requests_total{code="200"}': "0+100x20 stale"}  # the last sample is at 5m
    calm, blind = firing("14m30s"), firing("15m30s", "ShopErrorsBlind")
    assert complaints(promtool, shop(PLAIN), series, calm, blind) == ""


def test_a_canary_that_vanished_in_its_stage_is_blind(promtool: str) -> None:
    series = IN_10 | {'requests_total{code="200",track="stable"}': "0+100x80"}
    rollout = shop(PLAIN, arms=True)
    assert complaints(promtool, rollout, series, firing("4m30s"), firing("5m", "ShopErrorsBlind")) == ""


def test_without_an_attempt_a_missing_canary_is_no_blindness(promtool: str) -> None:
    series = dict.fromkeys(IN_10, "0x80") | {'requests_total{code="200",track="stable"}': "0+100x80"}
    assert complaints(promtool, shop(PLAIN, arms=True), series, firing("20m")) == ""


def test_a_stage_that_nobody_reports_is_believed_for_ten_minutes_and_then_blind(promtool: str) -> None:
    """The stage is reported until 1m. At 10 m the limit is still in force; from 11m no verdict, at 16m blind."""
    bad = {'requests_total{code="500"}': "0+3x80", 'requests_total{code="200"}': "0+97x80"}
    told = {name: text.replace("x400", "x4 stale") for name, text in IN_10.items()}
    worse = {'requests_total{code="500"}': "0+6x80", 'requests_total{code="200"}': "0+94x80"}
    rollout = shop(STAGED)
    assert complaints(promtool, rollout, bad | told, firing("10m")) == ""
    assert complaints(promtool, rollout, worse | told, firing("10m30s", "ShopErrorsCritical")) == ""
    assert complaints(promtool, rollout, bad | told, firing("16m30s", "ShopErrorsBlind")) == ""


def test_a_stage_without_a_limit_has_none_whatever_holds_otherwise(promtool: str) -> None:
    """All fail. In stage 10% nothing is asked; in stage 100% and outside of all there is a limit."""
    limit = Above({"10%": None, "100%": "1%"}, otherwise="5%")
    rollout = shop(Guardrail("errors", ERRORS, tiers=[Critical(limit, action="rollback")]))
    bad = {'requests_total{code="500"}': "0+100x80"}
    nowhere, last = dict.fromkeys(IN_10, "0x80"), dict(zip(IN_10, reversed(IN_10.values()), strict=True))
    assert complaints(promtool, rollout, bad | IN_10, firing("8m")) == ""
    assert complaints(promtool, rollout, bad | last, firing("8m", "ShopErrorsCritical")) == ""
    assert complaints(promtool, rollout, bad | nowhere, firing("8m", "ShopErrorsCritical")) == ""


def test_a_counter_born_at_20_has_20_errors(promtool: str) -> None:
    series = UP | {"denied_total": "_x40 20x40"}  # born at 10m
    twenty = value("10m", {'{guardrail="never",rollout="shop"}': 20})
    assert complaints(promtool, shop(NEVER), series, twenty, firing("10m", "ShopNeverCritical")) == ""


def test_an_error_of_a_process_that_died_of_it_counts(promtool: str) -> None:
    """Born at 10m15s with one error, gone at the next scrape: no evaluation ever saw it alive."""
    series = UP | {'denied_total{pod="a"}': "0x80", 'denied_total{pod="b"}': "_x41 1 stale"}
    told = firing("10m30s", "ShopNeverCritical")
    assert complaints(promtool, shop(NEVER), series, told) == ""


def test_a_missed_scrape_does_not_take_a_birth_back(promtool: str) -> None:
    held = Guardrail(
        "never", Increase("denied_total"), tiers=[Critical(Above(0), sustained="1m", action="rollback")]
    )
    series = UP | {"denied_total": "_x40 20 20 stale 20x40"}  # born at 10m, missed at 10m30s
    assert complaints(promtool, shop(held), series, firing("11m", "ShopNeverCritical")) == ""


def test_a_counter_that_stood_at_20_all_the_time_has_none(promtool: str) -> None:
    series = UP | {"denied_total": "20x80"}
    none = value("15m", {'{guardrail="never",rollout="shop"}': 0})
    assert complaints(promtool, shop(NEVER), series, none, firing("0s"), firing("15m")) == ""


def test_what_happens_between_two_looks_is_counted_whenever_it_happens(promtool: str) -> None:
    """Judged every 30 s over the shortest window that is allowed, with a scrape that fails just before."""
    until_told = Critical(Above(0), keep_firing_for="10m")
    counted = shop(Guardrail("never", Increase("denied_total", window="1m"), tiers=[until_told]))
    for calm in (19, 20, 21, 22):
        series = UP | {"denied_total": f"5x{calm} stale 6x40"}
        asked = firing("7m", "ShopNeverCritical")
        assert complaints(promtool, counted, series, asked) == "", f"after {calm} scrapes"


def test_one_failure_out_of_three_is_no_rollback(promtool: str) -> None:
    series = {'requests_total{code="500"}': "0x8 1x40", 'requests_total{code="200"}': "0x8 2x40"}
    third = Asked("round(handrail:guardrail:value, 0.01)", "5m", {SHOP: 0.33})
    assert complaints(promtool, shop(PLAIN), series, third, firing("5m")) == ""


def test_thirty_failures_out_of_ninety_and_the_rest_are_a_rollback(promtool: str) -> None:
    series = {'requests_total{code="500"}': "0x8 40x40", 'requests_total{code="200"}': "0x8 80x40"}
    assert complaints(promtool, shop(PLAIN), series, firing("5m", "ShopErrorsCritical")) == ""


def test_a_bad_stable_arm_is_not_the_canarys_fault(promtool: str) -> None:
    """Both fail at 10 %: the canary is no worse. At 20 % against 10 % it is."""
    both = _arms(canary=10, stable=10)
    worse = _arms(canary=20, stable=10)
    rollout = shop(BESIDE, arms=True)
    assert complaints(promtool, rollout, both, firing("8m")) == ""
    assert complaints(promtool, rollout, worse, firing("8m", "ShopErrorsCritical")) == ""


def test_without_the_stable_arm_there_is_nothing_to_compare_with_and_it_is_blind(promtool: str) -> None:
    series = {name: text for name, text in _arms(canary=20, stable=10).items() if "stable" not in name}
    assert complaints(promtool, shop(BESIDE, arms=True), series, firing("8m", "ShopErrorsBlind")) == ""


def test_without_the_figure_from_before_it_is_blind(promtool: str) -> None:
    guardrail = Guardrail("errors", ERRORS, against=BeforeRollout(), tiers=[Warning(Rise("10%"))])
    series = IN_10 | {'requests_total{code="500"}': "0+6x80", 'requests_total{code="200"}': "0+94x80"}
    before = 'handrail_reference{rollout="shop",guardrail="errors",reference="before"}'
    lower = series | {before: "0.05x80"}
    higher = series | {before: "0.055x80"}
    assert complaints(promtool, shop(guardrail), series, firing("8m", "ShopErrorsBlind")) == ""
    assert complaints(promtool, shop(guardrail), lower, firing("8m", "ShopErrorsWarning")) == ""
    assert complaints(promtool, shop(guardrail), higher, firing("8m")) == ""


def test_one_missed_scrape_raises_nothing(promtool: str) -> None:
    series = UP | {
        'requests_total{code="500"}': "0+4x7 stale 36+4x40",
        'requests_total{code="200"}': "0+96x7 stale 864+96x40",
        "denied_total": "5x7 stale 5x40",
    }
    rollout = shop(PLAIN, NEVER)
    times = [firing(at) for at in ("1m30s", "2m", "2m30s", "7m", "10m")]
    assert complaints(promtool, rollout, series, *times) == ""


def test_a_long_window_weighs_every_request_the_same(promtool: str) -> None:
    """Half an hour of 1 request a scrape that all fail, then half an hour of 99 that do not: 1 %, not 50 %."""
    slo = Slo("availability", ERRORS, objective="99%")
    series = {
        'requests_total{code="500"}': "0+1x120 120x120",
        'requests_total{code="200"}': "0x120 99+99x120",
    }
    expr = 'round(handrail:slo:error_ratio{window="1h"}, 0.001)'
    one = Asked(expr, "1h", {'{rollout="shop",slo="availability",window="1h"}': 0.01})
    assert complaints(promtool, shop(PLAIN, slos=[slo]), series, one) == ""


def test_one_failure_out_of_three_burns_no_budget(promtool: str) -> None:
    """A third fails: of 3 requests in an hour that says nothing, of 300 it is an alert."""
    slo = Slo("availability", ERRORS, objective="99%")
    three = {'requests_total{code="500"}': "0x40 1x40", 'requests_total{code="200"}': "0x40 2x40"}
    many = {'requests_total{code="500"}': "0x40 100x40", 'requests_total{code="200"}': "0x40 200x40"}
    rollout = shop(slos=[slo])
    assert complaints(promtool, rollout, three, firing("11m")) == ""
    by_the_hour = 'ALERTS{alertname="ShopSloAvailabilityCritical",alertstate="firing",window="1h"}'
    burning = Asked(f"count({by_the_hour})", "11m", {"{}": 1})
    assert complaints(promtool, rollout, many, burning, every="30s") == ""


def test_drop_is_measured_against_what_was_there_before(promtool: str) -> None:
    """From 100 before, 81 is no drop of 20 %, 79 is."""
    guardrail = Guardrail("users", Gauge("users"), against=BeforeRollout(), tiers=[Critical(Drop("20%"))])
    before = IN_10 | {'handrail_reference{rollout="shop",guardrail="users",reference="before"}': "100x80"}
    rollout = shop(guardrail)
    assert complaints(promtool, rollout, before | {"users": "81x80"}, firing("5m")) == ""
    assert complaints(promtool, rollout, before | {"users": "79x80"}, firing("5m", "ShopUsersCritical")) == ""


def test_what_is_bound_to_a_condition_is_seen_in_each_arm_and_at_rest(promtool: str) -> None:
    """Both arms are recorded to be compared; one that is there does not stand for the other."""
    measure = While(Gauge("queue"), condition=Rate("orders_total"))
    guardrail = Guardrail("queue", measure, against=StableArm(), tiers=[Critical(Rise("10%"))])
    rollout, blind = shop(guardrail, arms=True), firing("30m", "ShopQueueBlind")
    working = {f'queue{{track="{arm}"}}': "100x200" for arm in ("canary", "stable")}
    working |= {f'orders_total{{track="{arm}"}}': "0+10x200" for arm in ("canary", "stable")}
    resting = dict.fromkeys(working, "100x200")
    for series in (working, resting, {**working, 'orders_total{track="stable"}': "100x200"}):
        assert complaints(promtool, rollout, IN_10 | series, firing("30m")) == ""
    for gone in ("canary", "stable"):
        left = {series: values for series, values in working.items() if gone not in series}
        assert complaints(promtool, rollout, IN_10 | left, blind) == ""


def test_while_the_condition_does_not_hold_nothing_is_a_breach(promtool: str) -> None:
    measure = While(Gauge("queue"), condition=Rate("orders_total"))
    rollout = shop(Guardrail("queue", measure, tiers=[Critical(Above(50))]))
    for orders, alerts in (("700x80", ()), ("0+10x80", ("ShopQueueCritical",))):
        series = {"queue": "100x80", "orders_total": orders}
        assert complaints(promtool, rollout, series, firing("15m", *alerts)) == ""


def test_a_tier_of_the_first_time_of_a_stage_ends_with_it(promtool: str) -> None:
    """The stage began at 1m; half of the requests fail all the time."""
    rollout = shop(Guardrail("errors", ERRORS, tiers=[Critical(Above("5%"), during="10m")]))
    entered = {'handrail_rollout_stage_entered_timestamp_seconds{rollout="shop",stage="10%"}': "60x400"}
    series = IN_10 | entered | {f'requests_total{{code="{code}"}}': "0+50x200" for code in (200, 500)}
    asked = firing("9m", "ShopErrorsCritical"), firing("13m")
    assert complaints(promtool, rollout, series, *asked) == ""


def test_a_tier_of_the_first_time_of_an_attempt_outlasts_its_stages(promtool: str) -> None:
    """The attempt began at 1m and was over at 5m; half of the requests fail all the time. Then nobody reports it."""
    tier = Critical(Above("5%"), during="10m", of="attempt")
    rollout = shop(Guardrail("errors", ERRORS, tiers=[tier]))
    began = {'handrail_attempt_started_timestamp_seconds{rollout="shop"}': "0x4 60x56 _x100"}
    over = {series: "1x20 0x200" if "10%" in series else "0x220" for series in IN_10}
    series = over | began | {f'requests_total{{code="{code}"}}': "0+50x200" for code in (200, 500)}
    asked = firing("9m", "ShopErrorsCritical"), firing("13m"), firing("36m", "ShopErrorsBlind")
    assert complaints(promtool, rollout, series, *asked) == ""


def test_an_absolute_drop_is_so_many_points_in_each_stage(promtool: str) -> None:
    """From 90 before, a drop of 5 begins below 85, and in the last stage of 2 below 88."""
    limit = DropPoints({"10%": 5, "100%": 2})
    guardrail = Guardrail("hits", Gauge("hits"), against=BeforeRollout(), tiers=[Critical(limit)])
    told = 'handrail_reference{rollout="shop",guardrail="hits",reference="before"}'
    rollout, fires = shop(guardrail), firing("5m", "ShopHitsCritical")
    in_100 = {series: "0x400" if "10%" in series else "1x400" for series in IN_10}
    for stage, calm, low in ((IN_10, 85, 84), (in_100, 88, 87)):
        before = stage | {told: "90x80"}
        assert complaints(promtool, rollout, before | {"hits": f"{calm}x80"}, firing("5m")) == ""
        assert complaints(promtool, rollout, before | {"hits": f"{low}x80"}, fires) == ""


def test_what_is_absent_is_said_and_is_no_blindness(promtool: str) -> None:
    """The last beat is at 5m; five minutes later it is missed, and a minute after that it is said."""
    guardrail = Guardrail("beat", Absence("beat"), tiers=[Critical(Above(0), sustained="1m")])
    series = {"beat": "1x20 stale"}
    calm, gone = firing("10m30s"), firing("30m", "ShopBeatCritical")
    assert complaints(promtool, shop(guardrail), series, calm, gone) == ""


NATIVE = "{{schema:0 count:%d sum:%d buckets:[%d %d]}}"
"""Of the observations so many took 0.5 to 1 s, and so many 1 to 2 s."""


def _native(quick: int, slow: int) -> str:
    """So many between two scrapes."""
    shape = (quick + slow, quick + 2 * slow, quick, slow)
    return f"{NATIVE % (0, 0, 0, 0)}+{NATIVE % shape}x240"


def test_native_histograms_are_judged_like_classic_ones() -> None:
    """promtool has them since 2.54: every tenth observation is slower than a second, and the 95th percentile is."""
    slower = Guardrail("slow", SlowerThan("seconds", "1s", native=True), tiers=[Critical(Above("9%"))])
    late = Guardrail("late", Latency("seconds", p=95, native=True), tiers=[Critical(Above("1s"))])
    rollout = shop(slower, late)
    tenth = firing("1h", "ShopSlowCritical", "ShopLateCritical")
    assert complaints(str(NEWER), rollout, {"seconds": _native(90, 10)}, tenth) == ""
    assert complaints(str(NEWER), rollout, {"seconds": _native(100, 0)}, firing("1h")) == ""


def test_a_native_histogram_at_rest_burns_nothing_and_is_a_number_again() -> None:
    """No observation for half an hour, then one in ten is slow: the hour counts what there was."""
    slo = Slo("quick", SlowerThan("seconds", "1s", native=True), objective="99%")
    rest = f"{NATIVE % (0, 0, 0, 0)}x120"
    series = {"seconds": f"{rest} {_native(90, 10)}"}
    ratio = 'round(handrail:slo:error_ratio{window="1h"}, 0.001)'
    known = Asked(ratio, "1h", {'{rollout="shop",slo="quick",window="1h"}': 0.1})
    assert complaints(str(NEWER), shop(slos=[slo]), series, Asked(ratio, "29m", {}), known) == ""


def _arms(canary: int, stable: int) -> dict[str, str]:
    """So many of 100 requests between scrapes fail in each arm."""
    return IN_10 | {
        'requests_total{code="500",track="canary"}': f"0+{canary}x80",
        'requests_total{code="200",track="canary"}': f"0+{100 - canary}x80",
        'requests_total{code="500",track="stable"}': f"0+{stable}x80",
        'requests_total{code="200",track="stable"}': f"0+{100 - stable}x80",
    }
