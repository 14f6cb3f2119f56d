"""A softer action than a rollback: the canary's share is reduced, held there, and becomes the share it should have."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import servers
from guarded import NOW, Guarded, guarded, playbook, signal
from guarded.playbook import reducible, weights
from handrail.contract import Command
from handrail_receiver.attempt_states.states import State, state_of
from handrail_receiver.decide.decide import decide
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    Conditions,
    Decision,
    Effect,
    EffectState,
    History,
    Open,
    Run,
    RunState,
    SetHold,
    Verdict,
)
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.call_decision import decide_call

BOOK = reducible(playbook())
SOCKET = "unix:haproxy.sock"
WAYS = "`handrail rollout retry shop` enters stage 10% again, `handrail rollout rollback shop` goes back"
HELD = f"reduced by operator-1: P50 at 800 ms; {WAYS}"
ATTEMPT = Attempt(7, "shop", "shop", 1, AttemptState.active, "10%", NOW, NOW, "alice")


def targets(shop: Guarded) -> dict[str, Any]:
    """What a check says of them: whether each holds what it should, and of what share."""
    found = shop.call("check")["check"]
    held = {one["text"].partition("HAProxy ")[2]: one["as_asked"] for one in found["targets"]}
    return {"asked": found["asked"], **held}


def test_it_is_carried_out_held_and_no_drift_until_the_stage_is_entered_again(tmp_path: Path) -> None:
    with guarded(tmp_path, BOOK) as shop:
        shop.call("start", anyway=True, why="a test")
        entered = shop.status()["attempt"]["stage_entered_at"]
        assert shop.call("reduce")["reason"] == "no-reason"
        said = shop.call("reduce", why="P50 at 800 ms")
        assert (said["verdict"], said["outcome"], shop.weights()) == ("act", "done", (5, 95))
        attempt = shop.status()["attempt"]
        assert (attempt["stage"], attempt["held"], attempt["stage_entered_at"]) == ("10%", HELD, entered)
        assert shop.metric("handrail_rollout_weight")['{rollout="shop"}'] == 0.05
        assert targets(shop) == {
            "asked": 0.05,
            f"web/canary on {SOCKET}: weight 5": True,
            f"web/stable on {SOCKET}: weight 95": True,
        }
        assert shop.call("resume")["text"] == f"it has 5 %; {WAYS}"
        assert HELD in shop.call("promote")["text"]

        servers.ask_haproxy(tmp_path / "haproxy.sock", "set weight web/canary 7")
        assert targets(shop)[f"web/canary on {SOCKET}: weight 7"] is False

        again = shop.call("retry", anyway=True, why="it is mended")
        assert (again["reason"], again["outcome"], shop.weights()) == ("tried-again", "done", (10, 90))
        attempt = shop.status()["attempt"]
        assert (attempt["stage"], attempt["held"], attempt["stage_entered_at"] > entered) == ("10%", "", True)
        assert targets(shop)[f"web/canary on {SOCKET}: weight 10"] is True
        assert list(shop.runs()) == [("start", "done"), ("reduce", "done"), ("promote", "done")]


def test_the_whole_way_back_goes_on_from_there(tmp_path: Path) -> None:
    with guarded(tmp_path, BOOK) as shop:
        shop.call("start", anyway=True, why="a test")
        shop.call("reduce", why="P50 at 800 ms")
        shop.deliver()
        shop.until("rollback", "done")
        assert (shop.weights(), shop.status()["attempt"]["state"]) == ((0, 100), "rolled-back")


def test_steps_that_do_not_get_through_hold_it_and_may_be_asked_for_again(tmp_path: Path) -> None:
    flag = tmp_path / "there"
    command = Command(["touch", str(flag)], ["test", "-e", str(flag)], timeout=1)
    away = Command(["false"], ["test", "-e", str(flag)], timeout=1, within=1, tries=1)
    with guarded(tmp_path, reducible(playbook(), away)) as shop:
        shop.call("start", anyway=True, why="a test")
        assert shop.call("reduce", why="slow")["outcome"] == "failed"
        assert shop.status()["attempt"]["held"].startswith("reduce failed: ")
        assert shop.weights() == (10, 90)
    assert json.loads(reducible(playbook(), command).model_dump_json())["actions"][-1]["weight"] == 0.05


def reduced(**changed: Any) -> History:
    """An attempt whose share was reduced a while ago."""
    effects = tuple(Effect(place, step, EffectState.done) for place, step in enumerate(weights(5, 95)))
    run = Run(3, 7, "shop", "reduce", "10%", 0, RunState.done, "bob", "slow", NOW, NOW, NOW, effects=effects)
    return History(replace(ATTEMPT, **changed), runs=(run,))


def asked(verb: str, history: History, **more: Any) -> Decision:
    return decide_call(Call(verb, "alice", "a reason", **more), BOOK, history, Conditions(NOW))


def test_it_stays_held_whatever_an_alert_had_held_it_for_is_over() -> None:
    assert state_of(reduced(held="")) is State.held
    refused = asked("promote", reduced(held=""))
    assert (refused.verdict, "it has 5 %" in refused.text) == (Verdict.refuse, True)


def test_an_alert_still_rolls_it_back() -> None:
    made = decide(signal("error-rate", "critical"), BOOK, reduced(held="reduced"), Conditions(NOW))
    assert (made.verdict, made.action) == (Verdict.act, "rollback")


def test_the_stage_that_is_entered_again_is_its_own_and_no_other() -> None:
    other = asked("retry", reduced(), to="50%")
    assert (other.reason, other.text) == ("other-stage", "you meant 50%, and what was reduced is 10%")
    made = asked("retry", reduced(), to="10%")
    assert made.changes == (SetHold(""), Open("promote", "10%", 0, weights(10, 90), None, NOW))
    assert decide_call(
        Call("retry", "alice", not_ready=("Prometheus does not answer",)), BOOK, reduced(), Conditions(NOW)
    ).text.startswith("Prometheus does not answer; ")


BY_BOB = f"reduced by bob: slow; {WAYS}"
CAROL = "carol: the database is moved"


@pytest.mark.parametrize(
    ("held", "then"),
    [("", BY_BOB), (CAROL, f"{CAROL}; {BY_BOB}"), (f"reduced by dan: odd; {WAYS}", BY_BOB)],
    ids=["nobody held it", "somebody held it", "somebody reduced it"],
)
def test_who_held_it_before_is_not_forgotten(held: str, then: str) -> None:
    made = decide_call(
        Call("reduce", "bob", "slow"), BOOK, History(replace(ATTEMPT, held=held)), Conditions(NOW)
    )
    assert made.changes[0] == SetHold(then)


@pytest.mark.parametrize(
    ("held", "objection"),
    [(BY_BOB, ""), (f"{CAROL}; {BY_BOB}", CAROL), (f"{BY_BOB}; {CAROL}", CAROL), (CAROL, CAROL)],
    ids=["by nobody else", "before", "since", "in its place"],
)
def test_whoever_holds_it_as_well_is_heard_before_its_stage_is_entered_again(
    held: str, objection: str
) -> None:
    made = decide_call(Call("retry", "alice"), BOOK, reduced(held=held), Conditions(NOW))
    assert (made.reason, made.text.startswith(f"held: {objection}; ")) == (
        ("not-ready", True) if objection else ("tried-again", False)
    )


def test_without_anything_softer_declared_it_is_refused() -> None:
    made = decide_call(Call("reduce", "alice", "slow"), playbook(), History(ATTEMPT), Conditions(NOW))
    assert (made.reason, made.text) == (
        "no-steps",
        "the playbook has no reduced share; declare reduced= and generate, or roll back",
    )
