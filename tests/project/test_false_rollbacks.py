"""A simulated service that does not change → how often limits are broken by chance at the least traffic they judge."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from random import Random

import pytest
from handrail.plan import Alert, Condition, Count, Guardrail, Latency, Ratio
from own_rollouts import own_plan, own_rollout

from .simulated import Z, fired, moving, quantile, several, shares

STEP = 5
"""Minutes: how often it is looked at here."""
DAYS = 30
SIGMA = 0.9
"""Request times are log-normal: the slowest twentieth takes over 4 times the median."""


def own(rollout: str, name: str) -> Guardrail:
    [found] = [
        guardrail
        for one in own_plan().rollouts
        for guardrail in one.guardrails
        if (one.name, guardrail.name) == (rollout, name)
    ]
    return found


def aidin(name: str) -> Guardrail:
    return own("aidin-hardening", name)


def acting(guardrail: Guardrail) -> list[Alert]:
    return [alert for alert in guardrail.alerts if "rollback" in alert.action]


def by_p95(bounds: Sequence[float], p95: float) -> list[float]:
    """The part of all requests in each bucket where the 95th percentile is `p95`."""
    return shares(bounds, p95 / math.exp(Z * SIGMA), p95)


def looks(alert: Alert) -> int:
    return round(alert.sustained.total_seconds() / 60 / STEP)


def only(alert: Alert) -> Condition:
    [condition] = alert.conditions
    assert isinstance(condition, Condition)
    return condition


@pytest.mark.parametrize("p95", [0.27, 0.52, 1.05, 1.6])
def test_the_95th_percentile_of_an_hour_rolls_nothing_back_by_chance(p95: float) -> None:
    guardrail = aidin("p95-latency")
    measure = guardrail.signals[0].measure.inner
    assert isinstance(measure, Latency)
    bounds, steps = [float(one) for one in measure.buckets], int(measure.window.total_seconds() / 60 / STEP)
    parts = [share * measure.min_events / steps for share in by_p95(bounds, p95)]

    def figures(seed: int) -> list[float]:
        random = Random(seed)
        hours = (moving(several(random, part, DAYS * 24 * 60 // STEP), steps) for part in parts)
        return [quantile(counts, bounds) for counts in zip(*hours, strict=True)]

    now, then = figures(1), figures(2)
    for alert in acting(guardrail):
        rise = float(only(alert).figures[0])
        broken = (mine > rise * theirs for mine, theirs in zip(now, then, strict=True))
        assert fired(broken, looks(alert)) == 0, alert.name


def test_the_95th_percentile_is_told_apart_where_a_tenth_is_normal_and_three_tenths_roll_back() -> None:
    """A quantile inside a bucket is guessed, wherever it lies between 0.2 and 5 s: the guess must not decide."""
    guardrail = aidin("p95-latency")
    measure = guardrail.signals[0].measure.inner
    assert isinstance(measure, Latency)
    assert [log.access.buckets for log in own_rollout("aidin-hardening").logs if log.access] == [
        measure.buckets
    ]
    bounds = [float(one) for one in measure.buckets]

    def figure(p95: float) -> float:
        return quantile(by_p95(bounds, p95), bounds)

    [critical] = [alert for alert in guardrail.alerts if alert.tier == "critical"]
    rise, before = float(only(critical).figures[0]), [0.2 * 1.01**step for step in range(325)]
    assert [one for one in before if figure(1.1 * one) > rise * figure(one)] == []
    assert [one for one in before if figure(1.3 * one) <= rise * figure(one)] == []


@pytest.mark.parametrize("of_least", [0.6, 0.8, 1, 1.5])
def test_users_of_an_hour_roll_nothing_back_by_chance(of_least: float) -> None:
    """Where so many come on average, as a part of the least that is judged."""
    guardrail = aidin("active-users")
    measure = guardrail.signals[0].measure.inner
    assert isinstance(measure, Count)
    steps = 60 // STEP
    judged = [(alert, one) for alert in acting(guardrail) for one in alert.conditions]
    assert len(judged) == 3
    for alert, condition in judged:
        assert isinstance(condition, Condition)
        least = condition.least
        assert least is not None

        def people(seed: int, mean: float = of_least * float(least) / steps) -> list[int]:
            return moving(several(Random(seed), mean, DAYS * 24 * 60 // STEP), steps)

        drop = float(condition.figures[0])
        broken = (then >= least and now < drop * then for now, then in zip(people(1), people(2), strict=True))
        assert fired(broken, looks(alert)) == 0, alert.name


@pytest.mark.parametrize(("users", "one_in"), [(1000, 105), (500, 20), (200, 7)])
def test_so_often_a_day_has_a_tenth_fewer_users_by_chance_as_is_said(users: int, one_in: int) -> None:
    guardrail, random, days = aidin("daily-users"), Random(1), 20_000
    drop = float(guardrail.success[0].condition.figures[0])
    now, then = several(random, users, days), several(random, users, days)
    fewer = sum(mine < drop * theirs for mine, theirs in zip(now, then, strict=True))
    assert days / fewer == pytest.approx(one_in, rel=0.15)
    [told] = [alert.description for alert in guardrail.alerts if alert.tier == "warning"]
    assert re.findall(rf"[Oo]f {users} \D+ (\d+)", told) == [str(one_in)]


@pytest.mark.parametrize(("name", "healthy"), [("http-5xx", 0.002), ("http-403", 0.01)])
def test_failed_and_refused_requests_roll_nothing_back_by_chance(name: str, healthy: float) -> None:
    """Each five minutes are looked at ten times, of which at most three are told apart; the chance is of 30 days."""
    guardrail = aidin(name)
    measure = guardrail.signals[0].measure.inner
    assert isinstance(measure, Ratio)
    windows = 3 * DAYS * 24 * 60 / (measure.window.total_seconds() / 60)
    for alert in acting(guardrail):
        bad = only(alert).least_bad
        assert bad is not None
        mean = healthy * measure.min_events
        fewer = sum(math.exp(-mean) * mean**number / math.factorial(number) for number in range(bad))
        assert windows * (1 - fewer) < 1, alert.name


@pytest.mark.parametrize("p95", [0.27, 0.52, 1.05])
def test_a_day_as_slow_as_the_one_before_passes_the_gate(p95: float) -> None:
    assert broken_of_a_thousand(own("aidin-hardening", "daily-p95"), p95) < 20


@pytest.mark.parametrize("slow", [0.27, 0.36, 0.52, 0.8, 1.05, 1.3, 2.1])
def test_a_day_as_slow_as_phase_1_passes_the_gate(slow: float) -> None:
    for name in ("stage-latency", "stage-latency-p95"):
        assert broken_of_a_thousand(own("mem0-redis", name), slow) < 20


def broken_of_a_thousand(guardrail: Guardrail, p95: float) -> int:
    """So many days of a thousand break the criterion against another day of the same service."""
    measure, [criterion] = guardrail.signals[0].measure.inner, guardrail.success
    assert isinstance(measure, Latency)
    bounds, random = [float(one) for one in measure.buckets], Random(3)
    parts = [share * measure.min_events for share in by_p95(bounds, p95)]

    def days() -> list[float]:
        counts = zip(*(several(random, part, 1000) for part in parts), strict=True)
        return [quantile(day, bounds, float(measure.q)) for day in counts]

    rise = float(criterion.condition.figures[0])
    return sum(mine > rise * theirs for mine, theirs in zip(days(), days(), strict=True))
