"""Rate limits: each target has its own, across all actions and rollouts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from guarded import NOW, guarded, playbook
from guarded.playbook import weights
from handrail.contract import GitValue, HAProxyState, HAProxyWeight, HttpCall, Secret, StageFacts, Step
from handrail_receiver.errors import Cause, Retryable
from handrail_receiver.execute.rates import Rates
from handrail_receiver.model.nodes import target_of

CANARY = HAProxyWeight("web/canary", 0, ["lb1:9999"])
STABLE = replace(CANARY, server="web/stable")


class Clock:
    time = NOW

    def now(self) -> datetime:
        return self.time


def test_each_target_has_its_own_limit_and_gets_it_back_after_a_minute() -> None:
    clock = Clock()
    rates = Rates(clock, 2)
    for _ in range(2):
        rates.spend(CANARY)
        rates.spend(STABLE)
    clock.time = NOW + timedelta(seconds=59.9)
    with pytest.raises(Retryable) as raised:
        rates.spend(CANARY)
    assert (raised.value.cause, str(raised.value)) == (
        Cause.busy,
        "2 acts on HAProxy web/canary on lb1:9999 within a minute; find out what repeats them",
    )
    clock.time = NOW + timedelta(seconds=60)
    rates.spend(CANARY)


def test_a_clock_that_is_set_back_keeps_no_target_from_being_acted_on() -> None:
    clock = Clock()
    rates = Rates(clock, 2)
    for _ in range(2):
        rates.spend(CANARY)
    clock.time = NOW - timedelta(hours=1)
    for _ in range(2):
        rates.spend(CANARY)
    with pytest.raises(Retryable):
        rates.spend(CANARY)


def test_another_value_for_the_same_target_counts_with_it_and_another_place_does_not() -> None:
    git = GitValue("https://g.example/r", "main", "values.yaml", "tag", "v1")
    http = HttpCall("PUT", "https://a.example/x", "https://a.example/x", "/now", 0, {"weight": 0})
    assert target_of(CANARY) == target_of(replace(CANARY, weight=100, timeout=1, within=1, tries=1))
    assert target_of(git) == target_of(replace(git, value="v2", token=Secret("another")))
    assert target_of(http) == target_of(replace(http, body={"weight": 1}, read_equals=1))
    others: list[Step] = [
        CANARY,
        STABLE,
        replace(CANARY, sockets=["lb2:9999"]),
        HAProxyState("web/canary", "maint", ["lb1:9999"]),
        git,
        replace(git, key="other"),
        http,
        replace(http, url="https://a.example/y"),
    ]
    assert len({target_of(step) for step in others}) == len(others)


def test_over_the_limit_a_rollback_fails_and_says_what_repeats(tmp_path: Path) -> None:
    """The start acts on each server once, and that is all a minute allows here."""
    first = StageFacts(name="10%", weight=0.2, bake=0, enter=weights(20, 80))
    with guarded(
        tmp_path,
        playbook(stages=(first,), steps=weights(0, 100, within=1, timeout=1, tries=1)),
        ACTS_PER_MINUTE="1",
    ) as shop:
        shop.call("start")
        shop.deliver()
        shop.until("rollback", "failed")
        assert shop.status()["runs"][-1]["steps"][0]["found"] == (
            "1 acts on HAProxy web/canary on unix:haproxy.sock within a minute; find out what repeats them"
        )
