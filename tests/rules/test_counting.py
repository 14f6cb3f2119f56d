"""What a window's events are: counted, whole, and only what happened in it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from handrail.declare import Above, Critical, Guardrail, Increase, Ratio, SlowerThan, Warning

from .judged import Asked, complaints, firing, shop

JOBS = Guardrail("jobs", Increase("jobs_failed_total"), tiers=[Critical(Above(3), action="rollback")])
ERRORS = Guardrail(
    "errors",
    Ratio(bad='requests_total{status="500"}', of="requests_total"),
    tiers=[Critical(Above("5%"), action="rollback")],
)
SHOP_UP = {'up{job="shop",instance="a"}': "1x400"}


def counted(at: str, events: float) -> Asked:
    return Asked("round(sum(handrail:guardrail:value), 0.0001)", at, {"{}": events})


def test_three_events_are_three_where_scrapes_and_evaluations_do_not_fall_together(promtool: str) -> None:
    series = {**SHOP_UP, 'jobs_failed_total{instance="a"}': "7x300 7 8 8 8 9 9 9 9 9 10 10x100"}
    said = complaints(promtool, shop(JOBS), series, counted("73m", 3), firing("73m"), step="14s")
    assert said == ""


def test_a_fourth_event_is_one_more_than_three(promtool: str) -> None:
    series = {**SHOP_UP, 'jobs_failed_total{instance="a"}': "7x300 7 8 8 8 9 9 9 9 9 11 11x100"}
    said = complaints(
        promtool, shop(JOBS), series, counted("73m", 4), firing("73m", "ShopJobsCritical"), step="14s"
    )
    assert said == ""


def test_exactly_the_limit_of_a_share_is_no_breach_and_one_event_more_is(promtool: str) -> None:
    at_limit = {
        **SHOP_UP,
        'requests_total{instance="a",status="200"}': "0x299 95x100",
        'requests_total{instance="a",status="500"}': "0x299 5x100",
    }
    over = {**at_limit, 'requests_total{instance="a",status="500"}': "0x299 6x100"}
    assert complaints(promtool, shop(ERRORS), at_limit, counted("77m", 0.05), firing("77m")) == ""
    assert complaints(promtool, shop(ERRORS), over, firing("77m", "ShopErrorsCritical")) == ""


@pytest.mark.parametrize(
    "series",
    [
        pytest.param(
            {
                'up{job="shop",instance="a"}': "1x400",
                'up{job="redis",instance="r"}': "1x20 0x279 1x400",
                'jobs_failed_total{job="redis",instance="r"}': "1234x20 stale _x279 1234x400",
            },
            id="an exporter that does not answer for seventy minutes",
        ),
        pytest.param(
            {
                'up{job="shop",instance="a"}': "1x800",
                'up{job="redis",instance="r"}': "_x300 1x400",
                'jobs_failed_total{job="redis",instance="r"}': "_x300 1234x400",
            },
            id="a job that is newly scraped",
        ),
        pytest.param(
            {
                'up{job="redis",instance="1"}': "1x300 stale",
                'up{job="redis",instance="2"}': "_x300 1x400",
                'jobs_failed_total{instance="1",addr="r"}': "48211x300 stale",
                'jobs_failed_total{instance="2",addr="r"}': "_x300 48211x400",
            },
            id="an exporter that moves",
        ),
        pytest.param(
            {
                'up{job="redis",instance="1"}': "1x304 stale",
                'up{job="redis",instance="2"}': "_x300 1x400",
                'jobs_failed_total{instance="1",addr="r"}': "48211x304 stale",
                'jobs_failed_total{instance="2",addr="r"}': "_x300 48211x400",
            },
            id="an exporter that moves while the old one still runs",
        ),
        pytest.param(
            {
                'up{job="shop",instance="a"}': "1x300 stale",
                'up{job="shop",instance="a",cluster="x"}': "_x300 1x400",
                'jobs_failed_total{instance="a"}': "50x300 stale",
                'jobs_failed_total{instance="a",cluster="x"}': "_x300 50x400",
            },
            id="a target that gets another label",
        ),
        pytest.param(
            {
                'up{job="shop",instance="a"}': "1x300 stale",
                'up{job="shop",instance="b"}': "_x300 1x400",
                'jobs_failed_total{instance="a"}': "50x300 stale",
                'jobs_failed_total{instance="b"}': "_x300 50x400",
            },
            id="a target that gets another name",
        ),
        pytest.param(
            {
                'up{job="shop",instance="a"}': "1x100 _x200 1x400",
                'jobs_failed_total{instance="a"}': "50x100 _x200 50x400",
            },
            id="Prometheus itself was away",
        ),
    ],
)
def test_what_was_counted_long_ago_is_no_increase(promtool: str, series: Mapping[str, str]) -> None:
    times = ["75m30s", "76m", "77m", "79m", "80m", "81m", "85m"]
    asked = [counted(at, 0) for at in times] + [firing(at) for at in times]
    assert complaints(promtool, shop(JOBS), series, *asked) == ""


def test_arms_that_swap_are_no_increase(promtool: str) -> None:
    rollout = shop(Guardrail("jobs", Increase("jobs_failed_total"), tiers=[Warning(Above(0))]), arms=True)
    series = {
        'handrail_rollout_stage{rollout="shop",stage="10%"}': "1x800",
        'up{job="shop",instance="a"}': "1x800",
        'up{job="shop",instance="b"}': "1x800",
        'jobs_failed_total{track="canary",instance="a"}': "5x400 stale",
        'jobs_failed_total{track="stable",instance="b"}': "500x400 stale",
        'jobs_failed_total{track="canary",instance="b"}': "_x400 500x400",
        'jobs_failed_total{track="stable",instance="a"}': "_x400 5x400",
    }
    times = ["101m", "102m", "104m", "106m"]
    asked = [counted(at, 0) for at in times] + [firing(at) for at in times]
    assert complaints(promtool, rollout, series, *asked) == ""


def test_the_first_errors_of_a_process_count_whole(promtool: str) -> None:
    series = {
        'up{job="shop"}': "1x400",
        'requests_total{status="200"}': "0+27x400",
        'requests_total{status="500"}': "_x300 60x100",
    }
    said = complaints(
        promtool, shop(ERRORS), series, counted("77m", 0.1), firing("77m", "ShopErrorsCritical")
    )
    assert said == ""


def test_the_first_errors_of_one_pod_beside_another_that_has_had_some_count_whole(promtool: str) -> None:
    series = {
        **SHOP_UP,
        'up{job="shop",instance="b"}': "1x400",
        'requests_total{status="200",instance="a"}': "0+27x400",
        'requests_total{status="200",instance="b"}': "0+27x400",
        'requests_total{status="500",instance="b"}': "5x400",
        'requests_total{status="500",instance="a"}': "_x300 60x100",
    }
    assert complaints(promtool, shop(ERRORS), series, counted("77m", round(60 / 1140, 4))) == ""


def test_what_a_new_pod_shows_at_its_first_scrape_counts_whole(promtool: str) -> None:
    series = {
        **SHOP_UP,
        'up{job="shop",instance="b"}': "_x300 1x100",
        'requests_total{status="200",instance="a"}': "0+27x400",
        'requests_total{status="200",instance="b"}': "_x300 540x100",
        'requests_total{status="500",instance="b"}': "_x300 60x100",
    }
    assert complaints(promtool, shop(ERRORS), series, counted("77m", round(60 / 1140, 4))) == ""


def test_the_lives_of_a_pod_that_crashes_again_and_again_add_up(promtool: str) -> None:
    life = "0 2 4 4 "
    series = {
        **SHOP_UP,
        'jobs_failed_total{instance="c"}': "_x300 " + life * 5 + "0x100",
    }
    rollout = shop(
        Guardrail(
            "jobs",
            Increase("jobs_failed_total", window="10m"),
            tiers=[Critical(Above(18), action="rollback")],
        )
    )
    assert complaints(promtool, rollout, series, firing("81m", "ShopJobsCritical")) == ""


def test_a_pod_that_dies_of_its_first_errors_takes_none_of_them_away(promtool: str) -> None:
    series = {
        'up{job="shop",instance="a"}': "1x303 0x100",
        'jobs_failed_total{instance="a"}': "_x300 7x2 stale",
    }
    asked = [counted(at, 7) for at in ("76m", "77m", "79m")]
    assert complaints(promtool, shop(JOBS), series, *asked) == ""


def test_the_first_slow_requests_of_a_handler_count_whole(promtool: str) -> None:
    rollout = shop(
        Guardrail(
            "slow",
            SlowerThan("request_seconds", "1s", buckets=[1, 5]),
            tiers=[Critical(Above("5%"), action="rollback")],
        )
    )
    old, new = 'instance="a",handler="/"', 'instance="a",handler="/pay"'
    series = {
        **SHOP_UP,
        f"request_seconds_count{{{old}}}": "0+27x400",
        f'request_seconds_bucket{{{old},le="1"}}': "0+27x400",
        f'request_seconds_bucket{{{old},le="5"}}': "0+27x400",
        f'request_seconds_bucket{{{old},le="+Inf"}}': "0+27x400",
        f"request_seconds_count{{{new}}}": "_x300 60x100",
        f'request_seconds_bucket{{{new},le="1"}}': "_x300 0x100",
        f'request_seconds_bucket{{{new},le="5"}}': "_x300 60x100",
        f'request_seconds_bucket{{{new},le="+Inf"}}': "_x300 60x100",
    }
    assert complaints(promtool, rollout, series, counted("77m", 0.1), firing("77m", "ShopSlowCritical")) == ""


def test_while_nobody_answers_nothing_that_was_counted_is_lost(promtool: str) -> None:
    """One scrape in four fails; the events of its time are seen at the next one."""
    scrapes = " ".join("stale" if n % 4 == 3 else str(10 * n) for n in range(400))
    series = {
        'up{job="shop",instance="a"}': " ".join("0" if n % 4 == 3 else "1" for n in range(400)),
        'jobs_failed_total{instance="a"}': scrapes,
    }
    assert complaints(promtool, shop(JOBS), series, counted("61m", 200), step="15s") == ""
