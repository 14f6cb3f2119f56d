"""Rollouts that wait for others or go back with them, and incidents that a person closes before anything begins again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import servers
from guarded import NOW, ROLLOUT, guarded, playbook
from guarded.playbook import ENVIRONMENT, weights, write_playbook
from handrail.contract import StageFacts
from handrail_receiver.gates.gate import GateInputs
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    Conditions,
    History,
    Once,
    Open,
    Run,
    RunState,
    SetState,
    Verdict,
)
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.call_decision import decide_call
from handrail_receiver.operations.due import cannot_follow, goes_back, left_behind, moment

ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW, NOW, "alice")
WAITS, FOLLOWS = playbook(waits_for=("db",)), playbook(goes_back_with=("api",))
CONDITIONS = Conditions(NOW)


@pytest.mark.parametrize("state", ["none", "baking", "finishing", "rolled-back", "unknown"])
def test_a_start_waits_until_the_other_is_complete(state: str) -> None:
    early = Call("start", "alice", gate_inputs=GateInputs(others={"db": state}))
    made = decide_call(early, WAITS, History(), CONDITIONS)
    text = f"db is {state}, and this rollout begins once it is complete (`handrail rollout status db`)"
    assert (made.verdict, made.reason) == (Verdict.refuse, "not-ready")
    assert made.text == f"{text}; wait or fix it, or say --anyway and --why"
    done = Call("start", "alice", gate_inputs=GateInputs(others={"db": "complete"}))
    assert decide_call(done, WAITS, History(), CONDITIONS).verdict == Verdict.act


def test_once_it_has_begun_it_waits_for_nobody() -> None:
    assert decide_call(Call("promote", "alice"), WAITS, History(ATTEMPT), CONDITIONS).verdict == Verdict.act


def other(state: AttemptState, minutes: float) -> History:
    began = NOW + timedelta(minutes=minutes)
    run = Run(
        1, 3, "api", "rollback", "", 0, RunState.done, "alert", "errors are critical", began, began, began
    )  # fmt: skip
    return History(Attempt(3, "api", "api", 1, state, "10%", NOW, NOW, "bob"), (run,))


def test_it_goes_back_with_another_that_was_rolled_back_since_it_began_once() -> None:
    at = moment(FOLLOWS, History(ATTEMPT), CONDITIONS)
    assert at is not None
    made = goes_back(at, other(AttemptState.rolling_back, 1), "api")
    assert made is not None
    assert (made.verdict, made.reason, made.by) == (Verdict.act, "goes-back-with", "handrail")
    assert made.text == (
        "api was rolled back (errors are critical), and this rollout goes back with it; it is rolled back"
    )
    assert made.changes == (
        SetState(AttemptState.rolling_back),
        Open("rollback", "", 0, weights(0, 100), None, NOW, supersedes=True),
        Once("back with: api"),
    )
    assert goes_back(at, other(AttemptState.rolled_back, -1), "api") is None
    assert goes_back(at, other(AttemptState.complete, 1), "api") is None
    once = replace(at, history=History(ATTEMPT, once={"back with: api": NOW}))
    assert goes_back(once, other(AttemptState.rolled_back, 1), "api") is None


def test_what_is_put_back_or_tried_again_of_a_rollback_before_it_began_takes_it_nowhere() -> None:
    at = moment(FOLLOWS, History(ATTEMPT), CONDITIONS)
    assert at is not None
    before = other(AttemptState.rolled_back, -9)
    again = replace(before.runs[0], id=2, round=1, asked_by="handrail", decided_at=NOW + timedelta(minutes=1))
    assert goes_back(at, replace(before, runs=(*before.runs, again)), "api") is None


def test_a_complete_one_is_not_taken_back_and_its_people_are_told_once() -> None:
    done = History(replace(ATTEMPT, state=AttemptState.complete))
    made = left_behind(FOLLOWS, done, other(AttemptState.rolling_back, 1), "api")
    assert made is not None
    assert (made.verdict, made.reason, made.action) == (Verdict.tell, "goes-back-with", "rollback")
    assert made.text == (
        "api was rolled back (errors are critical), and this rollout goes back with it, but its attempt 2 is complete: "
        "people must look, or roll it back (`handrail rollout rollback shop --anyway --why`)"
    )
    assert made.changes == (Once("back with: api"),)
    told = replace(done, once={"back with: api": NOW})
    assert left_behind(FOLLOWS, told, other(AttemptState.rolled_back, 1), "api") is None
    assert left_behind(FOLLOWS, done, other(AttemptState.rolled_back, -1), "api") is None
    assert left_behind(FOLLOWS, History(ATTEMPT), other(AttemptState.rolled_back, 1), "api") is None


@pytest.mark.parametrize(
    ("state", "then"),
    [
        (AttemptState.active, "it does not go on automatically until it can be read, and people must look"),
        (AttemptState.complete, "people must look"),
    ],
)
def test_its_people_are_told_once_of_another_that_nobody_can_read(state: AttemptState, then: str) -> None:
    history = History(replace(ATTEMPT, state=state))
    made = cannot_follow(FOLLOWS, history, "api", "ValueError: newer")
    assert made is not None
    assert (made.verdict, made.reason, made.changes) == (
        Verdict.tell,
        "goes-back-with",
        (Once("cannot be read: api"),),
    )
    assert made.text == (
        "it is unknown whether api, with which this rollout goes back, was rolled back: its attempt cannot be read "
        f"(ValueError: newer); {then}"
    )
    told = replace(history, once={"cannot be read: api": NOW})
    assert cannot_follow(FOLLOWS, told, "api", "ValueError: newer") is None


@pytest.mark.parametrize("verb", ["", "promote"], ids=["under way", "complete"])
def test_a_running_receiver_tells_of_another_that_it_cannot_read(tmp_path: Path, verb: str) -> None:
    api = playbook(rollout="api", service="api", environment=ENVIRONMENT)
    write_playbook(tmp_path / "playbook", api)
    only = (StageFacts(name="100%", weight=1.0, bake=0, enter=weights(100, 0)),)
    follows = playbook(goes_back_with=("api",), environment=ENVIRONMENT, stages=only)
    with guarded(tmp_path, follows) as shop:
        shop.ask("POST", "/api/rollouts/api/start", json={})
        shop.call("start")
        if verb:
            assert shop.call(verb)["verdict"] == "act"
    with closing(sqlite3.connect(tmp_path / "handrail.db")) as store, store:
        assert store.execute("UPDATE attempt SET state = 'newer' WHERE rollout = 'api'").rowcount == 1
    with guarded(tmp_path, follows) as shop:

        def told() -> int:
            records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
            return sum("it is unknown whether api" in one["body"] for one in records)

        servers.until(lambda: told() == 1, "its people to be told")


def test_two_rollouts_in_one_receiver_go_back_together(tmp_path: Path) -> None:
    api = playbook(rollout="api", service="api", environment=ENVIRONMENT)
    write_playbook(tmp_path / "playbook", api)
    follows = playbook(goes_back_with=("api",), environment=ENVIRONMENT)
    with guarded(tmp_path, follows) as shop:
        shop.call("start")
        shop.ask("POST", "/api/rollouts/api/start", json={})
        shop.ask("POST", "/api/rollouts/api/rollback", json={"why": "customers call"})
        shop.until("rollback", "done")
        assert shop.status()["attempt"]["state"] == "rolled-back"
