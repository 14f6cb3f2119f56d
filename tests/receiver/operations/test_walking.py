"""A rollout that goes on automatically, in a real receiver before a real HAProxy."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import servers
from guarded import Guarded, guarded, playbook
from guarded.alertmanagers import NOBODY, alertmanager
from guarded.playbook import ENVIRONMENT, weights
from handrail.contract import Approval, Gate, Playbook, StageFacts


def walking(**facts: Any) -> Playbook:
    """Stages of a second that go on by themselves."""
    stages = tuple(
        StageFacts(
            name=f"{share}%",
            weight=share / 100,
            bake=1,
            enter=weights(share, 100 - share),
            advance="when-met",
        )
        for share in (10, 100)
    )
    return playbook(environment=ENVIRONMENT, **{"stages": stages, **facts})


def state(shop: Guarded) -> str:
    attempt = shop.status()["attempt"]
    return f"{attempt['phase']} {attempt['stage']}"


def told(shop: Guarded) -> int:
    """How often people were told that only they are missing."""
    records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
    return sum('"reason":"needs-people"' in one["body"] for one in records)


def test_it_goes_through_its_stages_by_itself_and_is_complete(tmp_path: Path) -> None:
    with guarded(tmp_path, walking(watch_after=1)) as shop:
        shop.call("start")
        servers.until(lambda: state(shop) == "complete 100%", "the rollout to be complete")
        assert shop.weights() == (100, 0)
        runs = [(run["action"], run["asked_by"], run["state"]) for run in shop.status()["runs"]]
        assert runs == [("start", "operator-1", "done"), ("promote", "handrail", "done")]
        refused = shop.call("promote")
        assert (refused["verdict"], refused["reason"]) == ("refuse", "no-attempt")


def test_an_approval_holds_it_and_once_it_is_there_it_goes_on(tmp_path: Path) -> None:
    lead = Gate(into="100%", approvals=(Approval(role="lead", valid_for=600, four_eyes=True),))
    with guarded(tmp_path, walking(gates=(lead,))) as shop:
        shop.call("start")
        servers.until(lambda: told(shop) > 0, "people to be told")
        assert state(shop) == "baking 10%"
        shop.ask("POST", "/api/rollouts/shop/approve", "approver", json={"role": "lead"})
        servers.until(lambda: state(shop) == "complete 100%", "the rollout to be complete")
        assert told(shop) == 1


def test_what_was_due_while_the_receiver_was_away_is_done_once_afterwards(tmp_path: Path) -> None:
    stage = StageFacts(
        name="10%", weight=0.1, bake=3600, enter=weights(10, 90), deadline=1, at_deadline="rollback"
    )
    last = StageFacts(name="100%", weight=1.0, bake=None)
    book = playbook(environment=ENVIRONMENT, stages=(stage, last))
    with guarded(tmp_path, book) as shop:
        shop.call("start")
    with guarded(tmp_path, playbook(environment=ENVIRONMENT)) as again:
        again.until("rollback", "done")
        assert again.weights() == (0, 100)
        assert again.runs() == [("start", "done"), ("rollback", "done")]


def test_it_is_not_complete_before_what_fired_while_the_receiver_was_away_is_known(tmp_path: Path) -> None:
    """The time of `watch_after` ends while it is away, and so does that of an alert that nobody could deliver."""
    last = StageFacts(name="100%", weight=1.0, bake=0, enter=weights(100, 0))
    book = playbook(environment=ENVIRONMENT, stages=(last,), watch_after=3)
    with alertmanager(tmp_path, "0.25", NOBODY) as sender:
        with guarded(tmp_path, book, ALERTMANAGERS=sender.url, ASK_EVERY="3600") as shop:
            shop.call("start")
            shop.until("start", "done")
            assert shop.call("promote", to="complete")["verdict"] == "act"
            assert state(shop) == "finishing 100%"
        sender.say(firing=True)
        time.sleep(3)
        with guarded(tmp_path, book, ALERTMANAGERS=sender.url, ASK_EVERY="3600") as again:
            again.until("rollback", "done")
            assert again.weights() == (0, 100)
