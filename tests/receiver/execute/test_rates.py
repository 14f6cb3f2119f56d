"""Rate limits: each target has its own, across all actions and rollouts."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from guarded import NOW, guarded, playbook
from guarded.playbook import weights
from handrail.contract import STEP_CLASSES, HAProxyWeight, StageFacts, Step, target_of, value_of
from handrail_receiver.errors import Cause, Retryable
from handrail_receiver.execute.rates import Rates
from one_target import ALL_DIFFERENT, OTHER_MEANS, OTHER_SPELLING, OTHER_VALUE

KINDS = STEP_CLASSES
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


@pytest.mark.parametrize(("one", "other"), [*OTHER_VALUE, *OTHER_MEANS])
def test_another_value_and_other_means_count_with_the_same_target(one: Step, other: Step) -> None:
    rates = Rates(Clock(), 1)
    rates.spend(one)
    with pytest.raises(Retryable):
        rates.spend(other)


@pytest.mark.parametrize(("one", "other"), OTHER_SPELLING)
def test_an_address_that_is_written_otherwise_is_the_same(one: Step, other: Step) -> None:
    """What a path is added to is one place with a `/` at its end and without; all else is what HTTP says it is."""
    assert (one, target_of(one), value_of(one)) == (other, target_of(other), value_of(other))


def test_another_target_does_not_count_with_it() -> None:
    rates = Rates(Clock(), 1)
    for step in ALL_DIFFERENT:
        rates.spend(step)


def test_every_field_of_every_kind_of_step_is_in_one_of_these_tables() -> None:
    """A pair of different targets says something of a field only if nothing else differs."""
    apart = [_differing(one, other) for one, other in itertools.combinations(ALL_DIFFERENT, 2)]
    together = [_differing(one, other) for one, other in [*OTHER_VALUE, *OTHER_MEANS]]
    varied = {one for names in apart if len(names) == 1 for one in names}.union(*together)
    shared = {"timeout", "within", "tries", "on_failure", "kind"}
    known = {(kind, field.name) for kind in KINDS for field in fields(kind) if field.name not in shared}
    assert known - varied == set()


def _differing(one: Step, other: Step) -> set[tuple[type, str]]:
    """The fields in which two steps of a kind differ."""
    if type(one) is not type(other):
        return set()
    names = [field.name for field in fields(one)]
    return {(type(one), name) for name in names if getattr(one, name) != getattr(other, name)}


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
