"""The whole way through the receiver, with the real HAProxy and the real process."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from guarded import Guarded, alert, body, guarded, playbook
from handrail.contract import Command, StageFacts


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Iterator[Guarded]:
    with guarded(tmp_path) as shop:
        yield shop


def test_a_start_enters_the_first_stage(shop: Guarded) -> None:
    answer = shop.call("start")
    assert answer == {
        "verdict": "act",
        "reason": "asked-for",
        "text": "a new attempt, in stage 10%",
        "outcome": "done",
        "outcome_text": "HAProxy web/canary on unix:haproxy.sock: weight 10; "
        "HAProxy web/stable on unix:haproxy.sock: weight 90",
        "check": None,
    }
    assert shop.weights() == (10, 90)


def test_an_alert_takes_the_canary_out_of_the_balance(shop: Guarded) -> None:
    shop.call("start")
    assert shop.deliver().status_code == 200
    shop.until("rollback", "done")
    assert shop.weights() == (0, 100)
    assert shop.runs() == [("start", "done"), ("rollback", "done")]
    assert shop.status()["attempt"]["state"] == "rolled-back"


def test_the_evidence_names_every_target_and_what_it_had_before(shop: Guarded) -> None:
    shop.call("start")
    shop.deliver()
    shop.until("rollback", "done")
    records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
    bodies = [json.loads(record["body"]) for record in records]
    canary, stable = [
        (body["what"], body["state"], body["found"])
        for body in bodies
        if "what" in body and "outcome" not in body and body["action"] == "rollback"
    ]
    on = "on unix:haproxy.sock: weight"
    assert canary == (f"HAProxy web/canary {on} 0", "done", f"HAProxy web/canary {on} 10 → 0")
    assert stable == (f"HAProxy web/stable {on} 100", "done", f"HAProxy web/stable {on} 90 → 100")
    assert bodies[-1]["text"] == f"HAProxy web/canary {on} 10 → 0; HAProxy web/stable {on} 90 → 100"


def test_the_same_alert_again_does_nothing_again(shop: Guarded) -> None:
    shop.call("start")
    same = body()
    for _ in range(3):
        shop.deliver(same)
    shop.until("rollback", "done")
    shop.deliver(same)
    servers.until(
        lambda: shop.metric("handrail_notifications_total")['{result="repeat"}'] == 3, "the repeats"
    )
    assert shop.runs() == [("start", "done"), ("rollback", "done")]


def test_a_resolve_undoes_nothing(shop: Guarded) -> None:
    shop.call("start")
    shop.deliver()
    shop.until("rollback", "done")
    shop.deliver(body(alert(status="resolved")))
    servers.until(lambda: shop.metric("handrail_notifications_total")['{result="note"}'] == 1, "the resolve")
    assert shop.weights() == (0, 100)


def test_an_alert_without_an_attempt_is_ignored_and_says_why(shop: Guarded) -> None:
    assert shop.deliver().status_code == 200
    servers.until(lambda: shop.metric("handrail_notifications_total")['{result="ignore"}'] == 1, "the count")
    assert shop.weights() == (10, 90)
    assert shop.runs() == []


def test_the_metrics_say_where_the_rollout_stands(shop: Guarded) -> None:
    stages = ["10%", "50%", "100%"]

    def stage_metrics() -> tuple[list[float], dict[str, float]]:
        stage = shop.metric("handrail_rollout_stage")
        return [stage[f'{{rollout="shop",stage="{name}"}}'] for name in stages], shop.metric(
            "handrail_rollout_weight"
        )

    assert stage_metrics() == ([0, 0, 0], {'{rollout="shop"}': 0})
    assert shop.metric("handrail_attempt_started_timestamp_seconds") == {'{rollout="shop"}': 0}
    shop.call("start")
    assert stage_metrics() == ([1, 0, 0], {'{rollout="shop"}': 0.1})
    assert shop.metric("handrail_rollback_ready") == {'{rollout="shop"}': 1}
    shop.call("promote")
    assert stage_metrics() == ([0, 1, 0], {'{rollout="shop"}': 0.5})
    assert list(shop.metric("handrail_rollout_stage_entered_timestamp_seconds")) == [
        '{rollout="shop",stage="50%"}'
    ]
    began = shop.metric("handrail_attempt_started_timestamp_seconds")
    assert began['{rollout="shop"}'] > 0
    shop.call("rollback")
    assert stage_metrics() == ([0, 0, 0], {'{rollout="shop"}': 0})
    assert shop.metric("handrail_attempt_started_timestamp_seconds") == began
    assert shop.metric("handrail_actions_total") == {
        '{action="start",outcome="done",rollout="shop"}': 1,
        '{action="promote",outcome="done",rollout="shop"}': 1,
        '{action="rollback",outcome="done",rollout="shop"}': 1,
    }


def test_an_hold_stops_promotions_until_it_is_resumed(shop: Guarded) -> None:
    shop.call("start")
    shop.call("hold", why="the database is slow")
    assert shop.call("promote") == {
        "verdict": "refuse",
        "reason": "not-ready",
        "text": "held: operator-1: the database is slow; wait or fix it, or say --anyway and --why",
        "outcome": None,
        "outcome_text": None,
        "check": None,
    }
    shop.call("resume")
    assert shop.call("promote")["text"] == "into stage 50%"
    assert shop.weights() == (50, 50)


def test_a_stage_that_still_bakes_is_not_left(shop: Guarded) -> None:
    shop.call("start")
    shop.call("promote")
    assert shop.call("promote")["text"].startswith("stage 50% bakes for 1 h: until ")
    assert shop.call("promote", anyway=True)["text"].endswith("say why with --why to go on anyway")
    text = shop.call("promote", to="100%", anyway=True, why="the fix is urgent")["text"]
    assert text.startswith("into stage 100%, although stage 50% bakes for 1 h: until ")
    assert text.endswith("(says operator-1: the fix is urgent)")


def test_a_rollback_does_not_wait_for_a_stage_that_is_being_entered(tmp_path: Path) -> None:
    slow = StageFacts(
        name="10%", weight=0.1, bake=0, enter=(Command(["sleep", "60"], ["false"], timeout=60),)
    )
    with guarded(tmp_path, playbook(stages=(slow,))) as shop:
        starting = threading.Thread(target=shop.call, args=("start",), daemon=True)
        starting.start()
        shop.until("start", "open")
        shop.deliver()
        shop.until("rollback", "proving")
        assert shop.weights() == (0, 100)
        shop.until("rollback", "done")  # what the stage's step began may land for a while
        assert shop.runs() == [("start", "superseded"), ("rollback", "done")]
        assert shop.weights() == (0, 100)
        starting.join()


def test_the_time_from_webhook_to_weight_0_is_not_noticed(tmp_path: Path) -> None:
    """`make bench-receiver` measures it; here only: nothing waits for a second, a poll or a retry."""
    with guarded(tmp_path, playbook(budget_per_day=100)) as shop:
        assert sorted(_times(shop))[4] < 0.3


def _times(shop: Guarded) -> list[float]:
    took = []
    for _ in range(10):
        shop.call("start")
        content = body()
        began = time.perf_counter()
        assert shop.deliver(content).status_code == 200
        while shop.weights()[0] != 0:
            time.sleep(0.001)
        took.append(time.perf_counter() - began)
        shop.until("rollback", "done")
    return took
