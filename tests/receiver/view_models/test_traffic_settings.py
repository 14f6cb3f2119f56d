"""Where nobody counts traffic, pages show what the targets read back, and call it a setting."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from guarded import NOW, ROLLOUT
from guarded.playbook import weights
from handrail.contract import Command, Step
from handrail_receiver.model import Effect, EffectState, Run, RunState
from handrail_receiver.view_models.traffic_settings import read_back

DONE, ALREADY, FAILED = EffectState.done, EffectState.already, EffectState.failed


def run(
    number: int, action: str, *steps: Step, state: RunState = RunState.done, effect: EffectState = DONE
) -> Run:
    effects = tuple(Effect(place, step, effect) for place, step in enumerate(steps))
    at = NOW + timedelta(minutes=number)
    return Run(
        number, 1, ROLLOUT, action, "10%", 0, state, "alice", "", at, at, at, finished_at=at, effects=effects
    )


START = run(1, "start", *weights(10, 90))
BACK = run(2, "rollback", *weights(0, 100), state=RunState.proved)
SET_10 = (
    "read back from the targets at 2026-03-01 03:01:00 UTC: weight 10 of web/canary, weight 90 of web/stable"
)
SET_0 = (
    "read back from the targets at 2026-03-01 03:02:00 UTC: weight 0 of web/canary, weight 100 of web/stable"
)


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ((START,), SET_10),
        ((START, BACK), SET_0),
        ((START, run(3, "capture")), SET_10),
        ((replace(START, effects=()),), ""),
        ((), ""),
        ((run(1, "start", Command(["flag", "on"], read=["is-on"]), effect=ALREADY),), "read back from the targets at 2026-03-01 03:01:00 UTC: $ flag on"),
        ((START, replace(BACK, state=RunState.failed)), ""),
        ((START, replace(BACK, state=RunState.proving, finished_at=None)), ""),
        ((run(1, "start", *weights(10, 90), effect=FAILED),), ""),
    ],
    ids=["set", "rolled back", "no traffic moved", "no steps", "no run", "a command", "failed", "under way", "not read"],
)  # fmt: skip
def test_the_newest_run_that_moved_traffic_says_what_was_set(runs: tuple[Run, ...], said: str) -> None:
    assert read_back(runs) == said
