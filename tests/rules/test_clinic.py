"""When one of the clinic's sources stops, the guardrails that read it are blind, and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handrail.plan import Rollout
from own_rollouts import own_plan

from .judged import Asked, complaints

APP = "healthcare-clinic-backend"
LOG, SQL = f'job="{APP}-log"', f'job="{APP}-sql"'
FAILED = f'exporter_last_scrape_failed{{{SQL},sql_job="mem0-redis",query="circuit_breaker_state"}}'
LINES = f"mem0_redis_log_lines_total{{{LOG}}}"
WELL = {
    f"up{{{LOG}}}": "1x240",
    f"up{{{SQL}}}": "1x240",
    LINES: "0+60x240",
    f'cache_accesses_total{{{LOG},hit="true"}}': "0+600x240",
    f'cache_accesses_total{{{LOG},hit="false"}}': "0+6x240",
    FAILED: "0x240",
    f'exporter_last_scrape_failed{{{SQL},sql_job="mem0-redis",query="circuit_breaker_recent_changes"}}': "0x240",
    f"circuit_breaker_recent_changes{{{SQL}}}": "0x240",
    **{
        f'circuit_breaker_state{{{SQL},state="{state}"}}': f"{int(state == 'closed')}x240"
        for state in ("closed", "half-open", "open")
    },
}


def clinic(*guardrails: str) -> Rollout:
    [found] = [one for one in own_plan().rollouts if one.name == "mem0-redis"]
    return replace(found, guardrails=tuple(one for one in found.guardrails if one.name in guardrails))


@pytest.mark.parametrize(
    ("stops", "blind"),
    [
        ({}, {}),
        ({FAILED: "0x60 1x180"}, {"circuit-breaker": "its query fails"}),
        ({LINES: "0+60x60 3600x180"}, {"cache-hit": "its log is silent"}),
    ],
    ids=["all is read", "a query fails", "the log stops"],
)
def test_a_query_that_fails_and_a_log_that_stops_make_blind_what_comes_of_them_and_nothing_else(
    promtool: str, stops: dict[str, str], blind: dict[str, str]
) -> None:
    expr = 'count by (guardrail, reason) (ALERTS{alertstate="firing",tier="blind"})'
    told = {f'{{guardrail="{guardrail}", reason="{reason}"}}': 1.0 for guardrail, reason in blind.items()}
    asked = Asked(expr, "3h30m", told)
    own = clinic("cache-hit", "circuit-breaker")
    assert complaints(promtool, own, WELL | stops, asked, step="1m", every="2m") == ""


def breaker(**states: str) -> dict[str, str]:
    """The breaker's states, minute by minute; a word with a dash is written with `_`."""
    return {
        **WELL,
        **{
            f'circuit_breaker_state{{{SQL},state="{state.replace("_", "-")}"}}': values
            for state, values in states.items()
        },
    }


OPEN_FOR_AN_HOUR = breaker(closed="1x60 0x60 1x120", open="0x60 1x60 0x120", half_open="0x240")


def test_an_open_breaker_counts_as_over_once_it_was_closed_for_fifteen_minutes(promtool: str) -> None:
    expr = 'count by (action) (ALERTS{alertname="Mem0RedisCircuitBreakerCritical",alertstate="firing"})'
    asked = [Asked(expr, at, {'{action="hold"}': 1.0}) for at in ("61m", "119m", "134m")]
    over = Asked(expr, "138m", {})
    found = complaints(promtool, clinic("circuit-breaker"), OPEN_FOR_AN_HOUR, *asked, over, step="1m")
    assert found == ""


@pytest.mark.parametrize(
    ("states", "fires"),
    [
        (breaker(), False),
        (breaker(closed="1x60 0x180", half_open="0x60 1x180"), True),
        (
            {**breaker(), f"circuit_breaker_recent_changes{{{SQL}}}": "0x60 2x5 0x175"},
            True,
        ),
    ],
    ids=["closed all the while", "closed to half-open", "there and back between two looks"],
)
def test_each_change_of_the_breaker_is_a_warning(promtool: str, states: dict[str, str], fires: bool) -> None:
    expr = 'count by (action) (ALERTS{alertname="Mem0RedisCircuitBreakerWarning",alertstate="firing"})'
    asked = Asked(expr, "63m", {'{action="investigate"}': 1.0} if fires else {})
    assert complaints(promtool, clinic("circuit-breaker"), states, asked, step="1m", every="1m") == ""
