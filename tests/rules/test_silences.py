"""A log that stops arriving, or a query that fails: the last exported value is not a current one."""

from __future__ import annotations

import pytest
from handrail.declare import (
    Above,
    AccessLog,
    AtMost,
    Below,
    Count,
    Critical,
    Environment,
    Gauge,
    Guardrail,
    Increase,
    Latency,
    LogCounter,
    LogSeen,
    LogSource,
    PromQL,
    Ratio,
    Rollout,
    Slo,
    SqlMetric,
    SqlSource,
    Targets,
    Usage,
    While,
)
from handrail.declare.measures import Measure
from handrail.lower import lower
from handrail.plan import Rollout as Planned
from handrail.plan import Silence

from .judged import Asked, complaints, firing

LOG = LogSource(
    access=AccessLog("requests_total", "request_seconds", [0.1, 1]),
    counters=[LogCounter("failed_total", [r"failed by=(?P<by>\w+)"], labels=["by"])],
    alive=["app:", "postgres:"],
    silent_after="5m",
)
SQL = SqlSource(
    "postgres://reader@db/shop",
    [
        SqlMetric("users", "SELECT 1 AS value", "Users"),
        SqlMetric("seats", "SELECT 9 AS value, 'a' AS room", "", labels=["room"]),
    ],
)
APP, DATABASE = 'shop_log_lines_total{job="shop"}', 'shop_log_2_lines_total{job="shop"}'
FAILS = "exporter_last_scrape_failed"


def planned(measure: Measure, *scrape: Targets) -> Planned:
    guardrail = Guardrail("g", measure, success=AtMost(0), tiers=[Critical(Above(5))], blind_after="2m")
    declared = Rollout("shop", "shop", guardrails=[guardrail], logs=[LOG], sql=[SQL])
    (rollout,) = lower([declared], Environment("test", scrape=list(scrape))).rollouts
    return rollout


FAILED = Increase('failed_total{job="shop",by="app"}')
COUNTED = {'failed_total{job="shop",by="app"}': "3x80", 'up{job="shop"}': "1x80"}


def none_failed(at: str) -> Asked:
    return Asked(
        "handrail:guardrail:value", at, {'handrail:guardrail:value{guardrail="g",rollout="shop"}': 0}
    )


def unknown(at: str) -> Asked:
    return Asked("handrail:guardrail:value", at, {})


def test_as_long_as_lines_of_each_log_come_no_failure_is_none(promtool: str) -> None:
    lines = {APP: "0+9x80", DATABASE: "0 0 0 0 1 1 1 1 2 2 2 2 3 3 3 3 4 4 4 4" + " 4 4 4 4 5" * 12}
    asked = none_failed("10m"), none_failed("15m"), firing("15m")
    assert complaints(promtool, planned(FAILED), {**COUNTED, **lines}, *asked) == ""


@pytest.mark.parametrize("stopped", [APP, DATABASE])
def test_where_one_of_them_stops_nobody_knows_and_the_guardrail_is_blind(promtool: str, stopped: str) -> None:
    lines = dict.fromkeys((APP, DATABASE), "0+9x80") | {stopped: "0+9x20 180x60"}
    asked = none_failed("9m"), unknown("11m"), firing("11m"), firing("13m", "ShopGBlind")
    assert complaints(promtool, planned(FAILED), {**COUNTED, **lines}, *asked) == ""
    reason = Asked(
        'count by (reason) (ALERTS{alertstate="firing",tier="blind"})',
        "13m",
        {'{reason="its log is silent"}': 1},
    )
    assert complaints(promtool, planned(FAILED), {**COUNTED, **lines}, reason) == ""


def test_what_a_query_found_before_it_failed_is_no_figure_of_now(promtool: str) -> None:
    shop = planned(Gauge("users"), Targets("db", ["db:9237"], drop_prefix="sql_"))
    series = {
        "users": "0x80",
        f'{FAILS}{{sql_job="shop",query="users"}}': "0x20 1x60",
        f'{FAILS}{{sql_job="shop",query="seats"}}': "1x80",
        f'{FAILS}{{sql_job="other",query="users"}}': "1x80",
    }
    asked = none_failed("5m"), unknown("6m"), firing("8m", "ShopGBlind")
    assert complaints(promtool, shop, series, *asked) == ""


def test_who_is_counted_over_a_window_is_unknown_until_the_silence_has_left_it(promtool: str) -> None:
    """Ann is there all the time. The application's log is silent from 10m to 16m, and counts as that from 15m on."""
    seen = LogSource(
        seen=[LogSeen("people", r"user=(?P<user>\w+)", "user")], alive=["app:"], silent_after="5m"
    )
    users = Count("people", window="10m", presence='up{job="shop"}')
    guardrail = Guardrail("g", users, tiers=[Critical(Below(1))], blind_after="2m")
    declared = Rollout("shop", "shop", guardrails=[guardrail], logs=[seen])
    (rollout,) = lower([declared], Environment("test")).rollouts
    series = {
        "shop_log_lines_total": "0+9x40 360x24 369+9x100",
        'people{user="ann"}': "1x200",
        'up{job="shop"}': "1x200",
    }
    one = {'handrail:guardrail:value{guardrail="g",rollout="shop"}': 1.0}
    asked = [
        Asked("handrail:guardrail:value", at, samples)
        for at, samples in {"12m": one, "15m30s": {}, "20m": {}, "25m30s": {}, "28m": one}.items()
    ]
    blind = firing("20m", "ShopGBlind")
    assert complaints(promtool, rollout, series, *asked, blind, firing("30m")) == ""


def test_an_objective_of_a_log_is_blind_while_it_is_silent(promtool: str) -> None:
    slo = Slo("fine", Ratio(bad='failed_total{by="app"}', of="requests_total"), objective="99%")
    declared = Rollout("shop", "shop", guardrails=[], slos=[slo], logs=[LOG])
    (shop,) = lower([declared], Environment("test")).rollouts
    counted = {'requests_total{status="200"}': "9x120", 'failed_total{by="app"}': "3x120"}
    lines = {"shop_log_lines_total": "0+9x20 180x100", "shop_log_2_lines_total": "0+9x120"}
    asked = firing("15m"), firing("22m", "ShopSloFineBlind")
    assert complaints(promtool, shop, {**counted, **lines}, *asked) == ""


LINES = "increase(shop_log_lines_total{matchers}[5m]) == 0"
LINES_2 = LINES.replace("log_", "log_2_")


def logs(matchers: str = "") -> list[str]:
    return [lines.replace("{matchers}", matchers) for lines in (LINES, LINES_2)]


def fails(query: str) -> str:
    return f'({FAILS}{{sql_job="shop",query="{query}"}}) == 1'


@pytest.mark.parametrize(
    ("measure", "lost"),
    [
        (FAILED, logs('{job="shop"}')),
        (Ratio(bad='requests_total{status="500"}', of="requests_total"), logs()),
        (Latency("request_seconds", p=95, buckets=[0.1, 1]), logs()),
        (PromQL('sum(rate(failed_total{by="app",zone="a"}[5m]))'), logs('{zone="a"}')),
        (
            Usage("users", 'seats{room="a",zone="b"}'),
            [fails("users"), fails("seats").replace("{", '{zone="b",')],
        ),
        (While(Increase("other_total"), condition=Gauge("users"), above=3), [fails("users")]),
        (Gauge("other"), []),
    ],
    ids=["counter", "ratio", "histogram", "promql", "two queries", "condition", "another's"],
)
def test_a_measure_depends_on_the_sources_of_all_its_series(measure: Measure, lost: list[str]) -> None:
    [guardrail] = planned(measure, Targets("db", ["db:9237"], drop_prefix="sql_")).guardrails
    assert [one.lost for one in guardrail.signals[0].silences] == lost


def test_a_query_that_fails_is_asked_for_under_the_name_that_it_has_here() -> None:
    def lost(*scrape: Targets) -> tuple[Silence, ...]:
        return planned(Gauge("users"), *scrape).guardrails[0].signals[0].silences

    of = '{sql_job="shop",query="users"}'
    assert [one.lost for one in lost(Targets("db", ["db:9237"]))] == [f"(sql_{FAILS}{of}) == 1"]
    assert [one.lost for one in lost()] == [f"(sql_{FAILS}{of} or {FAILS}{of}) == 1"]
