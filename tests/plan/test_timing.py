"""Alerts → how long they take: every term of the sum, and what the window adds to it."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from handrail.declare import (
    Above,
    Absence,
    Age,
    BeforeRollout,
    Below,
    Changes,
    Command,
    Confirm,
    Count,
    Critical,
    Difference,
    Drop,
    Environment,
    Forecast,
    Gauge,
    Growth,
    Guardrail,
    Increase,
    Is,
    Latency,
    PromQL,
    Rate,
    Ratio,
    Rise,
    Rollout,
    SlowerThan,
    Stage,
    State,
    TimeUntil,
    Usage,
    Warning,
    While,
)
from handrail.declare.measures import Measure
from handrail.lower import lower
from handrail.plan.timing import Times, timing

BAD = Ratio(bad="bad_total", of="all_total", window="10m")
USERS = Count("users_seen", window="1h", presence="up")
GOOD = Ratio(good="good_total", of="all_total", window="10m")


STILL_OR_MOVING: dict[str, tuple[Measure, Warning | Critical, tuple[float, float]]] = {
    "age": (Age("stamp"), Critical(Above("1h")), (0, 0)),
    "until": (TimeUntil("stamp"), Critical(Below("1h")), (0, 0)),
    "count": (Count("up"), Critical(Below(3)), (0, 0)),
    "fewer users of the last hour": (USERS, Critical(Below(3)), (60, 60)),
    "more users of the last hour": (USERS, Critical(Above(3)), (30, 60)),
    "any user in the last hour": (USERS, Critical(Above(0)), (0, 0)),
    "difference": (Difference("a", minus="b"), Critical(Above(0)), (0, 0)),
    "forecast": (Forecast("free", window="1h"), Critical(Below(0)), (60, 60)),
    "changes": (Changes("started", window="15m"), Critical(Above(3)), (7.5, 15)),
    "no changes": (Changes("started", window="15m"), Critical(Below(3)), (15, 15)),
    "growth": (Growth("it", window="10m"), Critical(Above(3)), (10, 10)),
    "absence": (Absence("it", window="10m"), Critical(Above(0)), (10, 10)),
    "state": (State("it"), Critical(Is("open")), (0, 0)),
}


WINDOWS: list[tuple[Measure, Warning | Critical, tuple[float, float]]] = [
    (BAD, Warning(Above("5%")), (0.5, 10)),
    (BAD, Warning(Above({"a": "5%", "b": "10%"})), (1, 10)),
    (BAD, Warning(Rise("10%")), (10, 10)),
    (GOOD, Warning(Below("95%")), (0.5, 10)),
    (GOOD, Warning(Above("95%")), (10, 10)),
    (Latency("seconds", p=95, window="10m"), Warning(Above("1s")), (0.5, 10)),
    (SlowerThan("seconds", "1s", window="10m"), Warning(Above("10%")), (1, 10)),
    (Increase("it_total", window="10m"), Warning(Above(0)), (0, 0)),
    (Increase("it_total", window="10m"), Warning(Above(3)), (5, 10)),
    (Increase("it_total", window="10m"), Warning(Below(3)), (10, 10)),
    (Rate("it_total", window="10m"), Warning(Above("1/s")), (5, 10)),
    (Rate("it_total", window="10m"), Warning(Rise("10%")), (10, 10)),
    (Rate("it_total", window="10m"), Warning(Below("1/s")), (10, 10)),
    (Gauge("it"), Warning(Above(1)), (0, 0)),
    (Gauge("it", window="10m"), Warning(Above(1)), (0, 0)),
    (Gauge("it", window="10m"), Warning(Drop("10%")), (10, 10)),
    (Gauge("it", over="min", window="10m"), Warning(Below(1)), (0, 0)),
    (Usage("it", 50), Warning(Above("80%")), (0, 0)),
    (While(BAD, condition=Rate("all_total")), Warning(Above("5%")), (0.5, 10)),
    (PromQL("max_over_time(it[10m])"), Warning(Above(1)), (10, 10)),
]


def taken(measure: Measure, tier: Warning | Critical) -> Times:
    """The times of the one alert of a rollout that is scraped every 15 s and judged every 30 s."""
    guardrail = Guardrail("it", measure, tiers=[tier], against=BeforeRollout())
    back = Command(["back"], read=["is-back"], timeout=20)
    rollout = Rollout(
        name="shop",
        service="shop",
        stages=[Stage("a", bake="1d"), Stage("b")],
        rollback=[back, back],
        guardrails=[guardrail],
    )
    [planned] = lower([rollout], Environment("here")).rollouts
    return timing(planned)[f"ShopIt{tier.tier.capitalize()}"]


def minutes(measure: Measure, tier: Warning | Critical) -> tuple[float, float]:
    """What the window adds to a sudden and to a slight breach, in minutes."""
    found = taken(measure, tier)
    return found.sudden / timedelta(minutes=1), found.slight / timedelta(minutes=1)


def test_what_moves_is_known_when_its_window_is_filled_and_what_is_there_at_once() -> None:
    """The changes that are too many have come in the window; a straight line must be drawn again."""
    assert {name: minutes(measure, tier) for name, (measure, tier, _) in STILL_OR_MOVING.items()} == {
        name: expected for name, (*_, expected) in STILL_OR_MOVING.items()
    }


def test_every_measure_is_timed() -> None:
    timed = {type(measure) for measure, *_ in [*STILL_OR_MOVING.values(), *WINDOWS]}
    assert timed == set(get_args(Measure))


def test_a_rollback_takes_scrape_window_evaluation_sustained_asking_again_and_its_steps() -> None:
    tier = Critical(Above("20%"), sustained="2m", action="rollback", confirm=Confirm("15s"))
    seconds = timedelta(seconds=1)
    found = taken(BAD, tier)
    assert found == Times(
        scrape=15 * seconds,
        sudden=120 * seconds,
        slight=600 * seconds,
        evaluation=30 * seconds,
        sustained=120 * seconds,
        wait=0 * seconds,
        confirm=15 * seconds,
        act=40 * seconds,
    )
    assert (found.fires, found.fires_at_last) == (285 * seconds, 765 * seconds)
    assert (found.decided, found.beside_window) == (300 * seconds, 180 * seconds)
    assert (found.done, found.done_at_last) == (340 * seconds, 820 * seconds)


def test_how_long_a_limit_must_be_sustained_is_counted_in_whole_evaluations() -> None:
    assert taken(BAD, Warning(Above("1%"), sustained="31s")).sustained == timedelta(minutes=1)
    assert taken(BAD, Warning(Above("1%"))).sustained == timedelta()


def test_what_only_people_read_waits_for_company() -> None:
    assert taken(BAD, Warning(Above("1%"))).wait == timedelta(seconds=10)


@pytest.mark.parametrize(("measure", "tier", "expected"), WINDOWS)
def test_a_window_hides_a_sudden_breach_shortly_and_a_slight_one_for_its_whole_length(
    measure: Measure, tier: Warning, expected: tuple[float, float]
) -> None:
    assert minutes(measure, tier) == expected


def test_a_blind_guardrail_is_noticed_when_its_data_have_left_the_window() -> None:
    rollout = Rollout(
        name="shop", service="shop", guardrails=[Guardrail("it", BAD, tiers=[Warning(Above("5%"))])]
    )
    [planned] = lower([rollout], Environment("here")).rollouts
    blind = timing(planned)["ShopItBlind"]
    assert blind.fires == timedelta(seconds=15 + 600 + 30 + 300)


def test_a_state_shows_at_once() -> None:
    assert taken(State("it"), Warning(Above(0))).sudden == timedelta()
