"""Two rollouts that set one target: what the rollback of one keeps is not set otherwise by the other, unless somebody says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from guarded import NOW, guarded, playbook, write_playbook
from guarded.kept import run_of
from guarded.playbook import ENVIRONMENT, weights
from handrail.contract import on_each_node
from handrail_receiver.model import Attempt, AttemptState, Effect, EffectState, History, Run, RunState
from handrail_receiver.operations.shared_targets import kept_otherwise, steps_ahead

TILL = playbook(rollout="till", service="till", environment=ENVIRONMENT)
KEEPS = "HAProxy web/canary on unix:haproxy.sock: weight 0 is what the rollback of till keeps"
STABLE = "HAProxy web/stable on unix:haproxy.sock: weight 100 is what the rollback of till keeps"
AT_10 = on_each_node(weights(10, 90))


def back(state: AttemptState, run: RunState) -> History:
    """An attempt of `till` that was rolled back, or is being so."""
    effects = tuple(Effect(place, step, EffectState.done) for place, step in enumerate(weights(0, 100)))
    ended = None if run == RunState.open else NOW
    made: Run = replace(run_of(weights(0, 100)), effects=effects, state=run, finished_at=ended)
    return History(Attempt(7, "till", "till", 1, state, "10%", NOW, NOW, "alice"), runs=(made,))


ROLLED_BACK = back(AttemptState.rolled_back, RunState.done)


@pytest.mark.parametrize(
    ("history", "later", "kept"),
    [
        (ROLLED_BACK, 0, [f"{one} until 2026-03-01 04:00:00 UTC" for one in (KEEPS, STABLE)]),
        (ROLLED_BACK, 3600, []),
        (back(AttemptState.rolling_back, RunState.open), 0, [KEEPS, STABLE]),
        (back(AttemptState.active, RunState.superseded), 0, []),
        (History(), 0, []),
    ],
    ids=[
        "it was rolled back",
        "an hour ago",
        "it is being rolled back",
        "it goes forward",
        "nobody started it",
    ],
)
def test_what_a_rollback_keeps(history: History, later: float, kept: list[str]) -> None:
    assert kept_otherwise(AT_10, TILL, history, NOW + timedelta(seconds=later)) == kept
    assert kept_otherwise(on_each_node(weights(0, 100)), TILL, history, NOW) == []


def test_the_stage_ahead_is_the_one_that_is_entered() -> None:
    here = (
        History(replace(ROLLED_BACK.attempt, state=AttemptState.active)) if ROLLED_BACK.attempt else History()
    )
    at = {verb: steps_ahead(TILL, here, verb) for verb in ("start", "promote", "retry")}
    assert at == {"start": AT_10, "promote": on_each_node(weights(50, 50)), "retry": AT_10}


def test_a_stage_is_not_entered_past_the_rollback_of_another_rollout_unless_somebody_says_why(
    tmp_path: Path,
) -> None:
    write_playbook(tmp_path / "playbook", TILL)
    with guarded(tmp_path) as shop:
        shop.ask("POST", "/api/rollouts/till/start", json={})
        shop.ask("POST", "/api/rollouts/till/rollback", json={"why": "it is slow"})
        refused = shop.call("start")
        assert (refused["reason"], refused["text"].startswith(f"{KEEPS} until ")) == ("not-ready", True)
        assert shop.weights() == (0, 100)
        assert shop.call("start", anyway=True, why="till is over for today")["verdict"] == "act"
