"""Services that do not change over 30 days and nights → no rollback and no hold by chance; and sick ones are found."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from handrail.plan import Alert, Condition, Guardrail, Latency, Rate, Ratio, SlowerThan
from own_rollouts import own_plan

from .simulated import LOOKS, Service, breaks, fired, windows

DAYS = 30
CLINIC = Service(10_000, night=0.05, bad=0.005, median=0.3, p95=0.85)
"""As many requests a day as its criteria need: 14 a minute at noon, and one at midnight."""
BUSY_CLINIC = Service(100_000, night=0.05, bad=0.005, median=0.3, p95=0.85)
RELAY = Service(60 * 24 * 320, bad=0.001, median=0.4, p95=1.2)
"""Whose canary has 16 of 320 streams a minute."""
QUIET_RELAY = Service(60 * 24 * 60, bad=0.001, median=0.4, p95=1.2)
WEB = Service(24 * 3600, night=0.05, bad=0.01, median=0.3, p95=1.2)
QUIET_WEB = Service(24 * 1200, night=0.05, bad=0.01, median=0.3, p95=1.2)
SIGN_INS = Service(60 * 24 * 30, night=0.05)
"""Those that fail: thirty a minute."""
GREEN = Service(77_600 * 24 * 3600, night=0.2, bad=0.0005, median=0.04, p95=0.12)
"""A tenth of 776 K a second."""

SIMULATED = {  # the quiet service first: it is the one of few events
    ("mem0-redis", "latency-p50"): (CLINIC, BUSY_CLINIC),
    ("mem0-redis", "error-rate"): (CLINIC, BUSY_CLINIC),
    ("relay-r1", "ttfv-p95"): (QUIET_RELAY, RELAY),
    ("relay-r1", "sse-success"): (QUIET_RELAY, RELAY),
    ("ruleiq", "error-rate"): (QUIET_WEB, WEB),
    ("ruleiq", "error-rate-fast"): (WEB,),
    ("ruleiq", "latency-p95"): (QUIET_WEB, WEB),
    ("ruleiq", "latency-fast"): (WEB,),
    ("ruleiq", "auth-attack"): (SIGN_INS,),
    ("aurigraph-v12", "error-rate"): (GREEN,),
    ("aurigraph-v12", "latency-p95"): (GREEN,),
}
ELSEWHERE = {
    ("aidin-hardening", "http-5xx"),
    ("aidin-hardening", "http-403"),
    ("aidin-hardening", "p95-latency"),
    ("aidin-hardening", "active-users"),
    ("mem0-redis", "stage-latency"),
    ("mem0-redis", "stage-latency-p95"),
    ("mem0-redis", "stage-errors"),
}
"""See test_false_rollbacks.py and test_gates_can_be_met.py."""
NO_CHANCE = {
    ("aidin-hardening", "db-errors"): "a healthy database has none",
    ("aidin-hardening", "db-pool"): "a level, not a count of events",
    ("mem0-redis", "circuit-breaker"): "a state",
    ("mem0-redis", "fast-path-enabled"): "a state",
    ("mem0-redis", "mem0-reads-enabled"): "a state",
    ("mem0-redis", "mem0-shadow-mode"): "a state",
    ("aurigraph-v12", "sample-ratio"): "its bound is its own: tests/rules/test_sample_ratio.py",
    ("relay-r1", "rls-errors"): "a healthy release has none",
    ("relay-r1", "cross-tenant"): "a healthy release has none",
    ("ruleiq", "db-pool"): "a level, not a count of events",
}
FIVE = {"aidin-hardening", "mem0-redis", "relay-r1", "ruleiq", "aurigraph-v12"}


def acting() -> dict[tuple[str, str], Guardrail]:
    """The guardrails of the five rollouts that roll back or hold."""
    return {
        (rollout.name, guardrail.name): guardrail
        for rollout in own_plan().rollouts
        if rollout.name in FIVE
        for guardrail in rollout.guardrails
        if any("rollback" in alert.action or alert.action == "hold" for alert in guardrail.alerts)
    }


def test_each_guardrail_that_acts_is_simulated_or_knows_no_chance() -> None:
    assert {*acting()} == {*SIMULATED} | ELSEWHERE | {*NO_CHANCE}


def limits(guardrail: Guardrail, *, every: bool = False) -> Iterator[tuple[Alert, Condition, float]]:
    """What acts, or every tier, with each of its figures."""
    for alert in guardrail.alerts:
        condition = alert.conditions[0]
        if every or "rollback" in alert.action or alert.action == "hold":
            for figure in dict.fromkeys(condition.figures):
                yield alert, condition, float(figure)


def fires(guardrail: Guardrail, service: Service, days: float, *, every: bool = False) -> dict[str, int]:
    """How often each limit that acts, or every limit, is broken for as long as it takes."""
    measure = guardrail.signals[0].measure.inner
    assert isinstance(measure, Latency | SlowerThan | Ratio | Rate)
    width = measure.window.total_seconds()
    seen = windows(service, service.parts(measure), width, days)
    return {
        f"{alert.name} {condition.op.value} {figure}": fired(
            map(breaks(condition, figure), seen),
            math.ceil(alert.sustained.total_seconds() / (width / LOOKS)),
        )
        for alert, condition, figure in limits(guardrail, every=every)
    }


@pytest.mark.parametrize(
    ("guardrail", "service"),
    [
        pytest.param(
            name, one, id=f"{name[0]}-{name[1]}-{one.daily:.0f}", marks=[pytest.mark.long] if busier else []
        )
        for name, all_ in SIMULATED.items()
        for busier, one in enumerate(all_)
    ],
)
def test_a_healthy_service_is_not_rolled_back_in_thirty_days(
    guardrail: tuple[str, str], service: Service
) -> None:
    found = fires(acting()[guardrail], service, DAYS)
    assert found == dict.fromkeys(found, 0)
    assert found


SICK = {
    ("mem0-redis", "latency-p50"): Service(10_000, night=0.05, median=1.6, p95=3),
    ("mem0-redis", "error-rate"): Service(10_000, night=0.05, bad=0.3),
    ("relay-r1", "ttfv-p95"): Service(60 * 24 * 60, median=0.8, p95=2.6),
    ("relay-r1", "sse-success"): Service(60 * 24 * 60, bad=0.05),
    ("ruleiq", "error-rate"): Service(24 * 1200, night=0.05, bad=0.15),
    ("ruleiq", "error-rate-fast"): Service(24 * 3600, night=0.05, bad=0.3),
    ("ruleiq", "latency-p95"): Service(24 * 1200, night=0.05, median=0.8, p95=4),
    ("ruleiq", "latency-fast"): Service(24 * 3600, night=0.05, median=1.2, p95=6),
    ("ruleiq", "auth-attack"): Service(24 * 3600 * 20),
    ("aurigraph-v12", "error-rate"): Service(77_600 * 24 * 3600, night=0.2, bad=0.02),
    ("aurigraph-v12", "latency-p95"): Service(77_600 * 24 * 3600, night=0.2, median=0.2, p95=0.7),
}


@pytest.mark.parametrize("guardrail", SICK, ids="-".join)
def test_a_sick_service_breaks_each_limit_within_a_day(guardrail: tuple[str, str]) -> None:
    found = fires(acting()[guardrail], SICK[guardrail], 1)
    assert [limit for limit, times in found.items() if not times] == []
    assert {*SICK} == {*SIMULATED}


RESTS = {
    "latency-p50": CLINIC,
    "latency-p95": CLINIC,
    "error-rate": Service(10_000, night=0.05, bad=0.003),
    "cache-hit": Service(5_000, night=0.05, bad=0.03),
    "mem0-writes": Service(3_000, night=0.05, bad=0.004),
}


@pytest.mark.parametrize("guardrail", RESTS)
def test_a_healthy_clinic_has_the_hours_without_an_alert_that_its_gates_ask_for(guardrail: str) -> None:
    """No critical alert in sixty days, and a warning in twelve at most: 48 hours without any come soon again."""
    [own] = [
        one
        for rollout in own_plan().rollouts
        for one in rollout.guardrails
        if (rollout.name, one.name) == ("mem0-redis", guardrail)
    ]
    found = fires(own, RESTS[guardrail], 2 * DAYS, every=True)
    assert [name for name, times in found.items() if times > 2 * DAYS / 12 * ("Warning" in name)] == []
    assert len(found) == len(own.alerts)
