"""A value that is no number, or impossible, is neither a breach nor a pass, and blinds its guardrail if it lasts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from handrail.declare import (
    Above,
    BeforeRollout,
    Below,
    Critical,
    Gauge,
    Growth,
    Guardrail,
    Is,
    Latency,
    PromQL,
    Rate,
    Ratio,
    Rise,
    State,
    Usage,
    While,
)

from .judged import IN_10, Asked, complaints, firing, shop

NUMBERS = "its values are no numbers"
BLIND = 'count by (alertname, reason) (ALERTS{alertstate="firing",tier="blind"})'
WELL = {'up{job="shop"}': "1x400"}


def blind(at: str, guardrail: str, *reasons: str) -> Asked:
    """The guardrail is blind for these reasons and no other."""
    found = {f'{{alertname="Shop{guardrail}Blind",reason="{reason}"}}': 1.0 for reason in reasons}
    return Asked(BLIND, at, found)


def guarded(measure: object, limit: object, **more: object) -> Guardrail:
    return Guardrail("it", measure, tiers=[Critical(limit, action="rollback")], **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", ["NaN", "Inf", "-Inf"])
@pytest.mark.parametrize("limit", [Above(5), Below(5)])
@pytest.mark.parametrize("over", ["max", "min", "sum", "avg"])
def test_a_gauge_that_is_no_number_is_blind(promtool: str, bad: str, limit: object, over: str) -> None:
    series = {**WELL, 'queue{instance="a"}': f"{bad} " * 100}
    rollout = shop(guarded(Gauge("queue", over=over), limit))  # type: ignore[arg-type]
    assert complaints(promtool, rollout, series, firing("3m"), blind("15m", "It", NUMBERS)) == ""


@pytest.mark.parametrize(
    ("over", "limit", "fires"),
    [
        ("max", Above(5), True),
        ("min", Below(15), True),
        ("sum", Above(5), False),
        ("sum", Below(15), False),
        ("avg", Below(15), False),
    ],
)
def test_one_instance_that_is_no_number_blinds_and_takes_no_breach_from_the_others(
    promtool: str, over: str, limit: object, fires: bool
) -> None:
    """A sum without one of its parts is no sum; the highest of the others is a breach anyway."""
    series = {**WELL, 'queue{instance="a"}': "NaN " * 100, 'queue{instance="b"}': "10x100"}
    rollout = shop(guarded(Gauge("queue", over=over), limit))  # type: ignore[arg-type]
    found = ["ShopItCritical"] if fires else []
    said = complaints(promtool, rollout, series, firing("3m", *found), blind("15m", "It", NUMBERS))
    assert said == ""


def test_a_negative_size_in_bytes_is_none(promtool: str) -> None:
    series = {**WELL, "free_bytes": "-1x100"}
    rollout = shop(guarded(Gauge("free_bytes", unit="bytes"), Below("1GB")))
    assert complaints(promtool, rollout, series, firing("3m"), blind("15m", "It", NUMBERS)) == ""


@pytest.mark.parametrize("over", ["sum", "max"])
@pytest.mark.parametrize("size", ["0", "-1", "NaN", "Inf"])
def test_the_usage_of_a_size_that_is_none_is_blind(promtool: str, size: str, over: str) -> None:
    series = {**WELL, "in_use": "2x100", "size": f"{size} " * 100}
    rollout = shop(guarded(Usage("in_use", "size", over=over), Above("90%")))  # type: ignore[arg-type]
    assert complaints(promtool, rollout, series, firing("3m"), blind("15m", "It", NUMBERS)) == ""


@pytest.mark.parametrize("over", ["sum", "max"])
@pytest.mark.parametrize("size", ["0", "-1"])
def test_a_size_that_is_declared_to_mean_no_limit_is_neither_breach_nor_blindness(
    promtool: str, size: str, over: str
) -> None:
    series = {**WELL, "in_use": "2x100", "size": f"{size} " * 100}
    usage = Usage("in_use", "size", over=over, unlimited=[0, -1])  # type: ignore[arg-type]
    rollout = shop(guarded(usage, Above("90%")))
    assert complaints(promtool, rollout, series, firing("3m"), firing("15m")) == ""


def test_a_pool_that_boots_is_no_emergency(promtool: str) -> None:
    series = {**WELL, "in_use": "1x2 2x98", "size": "0x2 50x98"}
    rollout = shop(guarded(Usage("in_use", "size"), Above("90%")))
    assert complaints(promtool, rollout, series, firing("30s"), firing("2m"), firing("15m")) == ""


def test_a_share_above_one_is_none(promtool: str) -> None:
    series = {**WELL, "bad_total": "0+200x100", "all_total": "0+100x100"}
    rollout = shop(guarded(Ratio(bad="bad_total", of="all_total"), Above("5%")))
    assert complaints(promtool, rollout, series, firing("5m"), blind("20m", "It", NUMBERS)) == ""


@pytest.mark.parametrize("bad", ["NaN", "Inf"])
@pytest.mark.parametrize(
    "measure", [Ratio(bad='all_total{code="500"}', of="all_total"), Latency("seconds", p=95)]
)
def test_one_counter_that_is_no_number_blinds_what_counts_by_it(
    promtool: str, measure: object, bad: str
) -> None:
    """A sum with one part that is no number is none: no share is told, and that is no rest."""
    series = {
        **WELL,
        'all_total{code="200",instance="a"}': "0+100x100",
        'all_total{code="200",instance="b"}': f"{bad} " * 100,
        'seconds_bucket{le="1",instance="a"}': "0+100x100",
        'seconds_count{instance="a"}': "0+100x100",
        'seconds_count{instance="b"}': f"{bad} " * 100,
    }
    rollout = shop(guarded(measure, Above("5%") if isinstance(measure, Ratio) else Above("1s")))
    assert complaints(promtool, rollout, series, firing("3m"), blind("20m", "It", NUMBERS)) == ""


def test_a_quantile_without_its_buckets_is_blind(promtool: str) -> None:
    series = {**WELL, "seconds_count": "0+100x100"}
    rollout = shop(guarded(Latency("seconds", p=95), Above("1s")))
    said = complaints(promtool, rollout, series, blind("20m", "It", "its buckets are missing"))
    assert said == ""


@pytest.mark.parametrize(
    ("measure", "limit", "series"),
    [
        pytest.param(Growth("queue", window="5m"), Above(5), {"queue": "NaN " * 100}, id="growth"),
        pytest.param(PromQL("max(queue)"), Above(5), {"queue": "Inf " * 100}, id="free"),
        pytest.param(
            PromQL("used / size"), Above(5), {"used": "1x100", "size": "0x100"}, id="free, divided by nothing"
        ),
        pytest.param(
            State("breaker", "state"), Is("open"), {'breaker{state="open"}': "NaN " * 100}, id="state"
        ),
        pytest.param(
            While(Gauge("queue"), condition=Gauge("work"), above=1),
            Above(5),
            {"queue": "10x100", "work": "NaN " * 100},
            id="a condition",
        ),
        pytest.param(
            While(Gauge("queue"), condition=Gauge("work"), above=1),
            Above(5),
            {"queue": "NaN " * 100, "work": "10x100"},
            id="bound to a condition",
        ),
    ],
)
def test_every_measure_is_blind_of_what_is_no_number(
    promtool: str, measure: object, limit: object, series: Mapping[str, str]
) -> None:
    said = complaints(
        promtool, shop(guarded(measure, limit)), {**WELL, **series}, firing("3m"), blind("20m", "It", NUMBERS)
    )
    assert said == ""


def test_a_captured_figure_that_is_no_number_is_missing(promtool: str) -> None:
    series = {
        **WELL,
        **IN_10,
        "work_total": "0+10x100",
        'handrail_reference{rollout="shop",guardrail="it",reference="before"}': "NaN " * 100,
    }
    rollout = shop(guarded(Rate("work_total"), Rise("10%"), against=BeforeRollout()))
    asked = firing("4m"), blind("20m", "It", "the figure from before the rollout is missing")
    assert complaints(promtool, rollout, series, *asked) == ""


def test_before_an_attempt_there_is_no_captured_figure_and_that_is_no_blindness(promtool: str) -> None:
    """What is captured when an attempt starts cannot be asked for before: what is blind then would refuse the start."""
    series = {
        **WELL,
        "work_total": "0+10x100",
        'handrail_rollout_stage{rollout="shop",stage="10%"}': "0x40 1x60",
    }
    rollout = shop(guarded(Rate("work_total"), Rise("10%"), against=BeforeRollout()))
    asked = firing("9m"), blind("20m", "It", "the figure from before the rollout is missing")
    assert complaints(promtool, rollout, series, *asked) == ""
