"""Each of the five real rollouts, compiled from its own declaration, at shortened time: it completes, and is rolled back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import servers

from .five.aidin_service import aidin
from .five.aurigraph_service import aurigraph
from .five.cast import Played
from .five.clinic_service import clinic
from .five.life import Life, living
from .five.relay_service import relay
from .five.ruleiq_service import ruleiq

ALL = (
    pytest.param(relay, id=relay.name),
    *(pytest.param(one, id=one.name, marks=pytest.mark.long) for one in (clinic, aurigraph, aidin)),
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("played", ALL)
def test_a_healthy_service_completes_and_a_sick_one_is_rolled_back(played: Played, tmp_path: Path) -> None:
    began = time.monotonic()
    with living(played, tmp_path) as life:
        print(f"{played.name}: everything runs after {time.monotonic() - began:.1f} s")
        since = completes(life)
        is_rolled_back(life, since)


def completes(life: Life) -> float:
    """From start to complete: each stage is entered through its gate and no alert fires; gives the time of the start."""
    began, stages = time.monotonic(), life.told()["stages"]
    assert life.cast.target() == life.played.before
    life.start("v1")
    started = time.monotonic()
    seen = {stages[0]: life.cast.target()}
    for stage in stages[1:]:
        life.lead(stage)
        seen[stage] = life.cast.target()
    life.lead("complete")
    life.ended("complete")
    assert seen == life.played.shares
    assert life.cast.target() == life.played.shares[stages[-1]]
    assert life.firing(started) == set()
    print(f"{life.played.name}: complete after {time.monotonic() - began:.1f} s; {life.bundle(1)}")
    return started


def is_rolled_back(life: Life, since: float) -> None:
    """From start to rollback: no alert fires until the service fails, and the target returns to the previous version."""
    began, stages = time.monotonic(), life.told()["stages"]
    life.start("v2")
    for stage in stages[1 : stages.index(life.played.sick_in) + 1]:
        life.lead(stage)
    assert life.firing(since) == set()
    took = falls_sick(life, 2)
    print(f"{life.played.name}: {took:.1f} s of {time.monotonic() - began:.1f} s")


def falls_sick(life: Life, attempt: int) -> float:
    """The alert fires, the target is back at the version before, an incident is open, and the bundle verifies."""
    sick = time.monotonic()
    life.cast.sicken()
    life.ended("rolled-back")
    took = time.monotonic() - sick
    assert life.cast.target() == life.played.before
    assert life.played.pages & life.firing(sick)
    [opened] = life.call("GET", "/incidents", role="viewer")["incidents"]
    assert (opened["attempt"], opened["stage"]) == (attempt, life.played.sick_in)
    print(f"{life.played.name}: sick to rolled back {took:.1f} s; {life.bundle(attempt)}")
    return took


WATCHED = 10.0


@pytest.mark.long
@pytest.mark.timeout(300)
def test_ruleiq_has_no_stages_and_is_guarded_until_its_flags_are_switched_off(tmp_path: Path) -> None:
    with living(ruleiq, tmp_path) as life:
        assert life.cast.target() == "recommendations-v2=on bulk-import=on"
        life.guards()
        started = time.monotonic()
        servers.until(lambda: time.monotonic() > started + WATCHED, "a time in which all is well")
        assert life.firing(started) == set()
        assert life.told()["attempt"]["state"] == "active"
        print(f"ruleiq: guarded for {WATCHED:.0f} s")
        falls_sick(life, 1)
