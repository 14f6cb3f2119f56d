"""The order of actions: a rollback precedes everything weaker, uncertain or still under way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import servers
from guarded import ROLLOUT, Guarded, alert, body, guarded, playbook, write_playbook
from guarded.database import database
from guarded.playbook import SOCKET, reducible, weights
from guarded.scraped import scraped
from guarded.spy import Silence, Spy, spied
from handrail.contract import Action, Confirmation, HAProxyState, Playbook, Proof, StageFacts
from handrail_receiver.store_commands.questions import Questions

QUICK = {"timeout": 3.0}
STAGES = (
    StageFacts(name="10%", weight=0.1, bake=0, enter=weights(10, 90, **QUICK)),
    StageFacts(name="50%", weight=0.5, bake=0, enter=weights(50, 50, **QUICK)),
    StageFacts(name="100%", weight=1.0, bake=None, enter=weights(100, 0, **QUICK)),
)
GONE = Proof(expr="canary_traffic", at_most=0, within=60)


@contextmanager
def in_the_background(shop: Guarded, verb: str) -> Iterator[None]:
    """A call that is under way while the block runs, and over when it ends."""
    call = threading.Thread(target=shop.call, args=(verb,), kwargs={"why": "a test"})
    call.start()
    yield
    call.join()


def late(spy: Spy, command: str, seconds: float = 2) -> threading.Event:
    """HAProxy carries out one command so long after it has received it; the event says that it has received it."""
    received = threading.Event()

    def before(asked: str) -> None:
        if asked == command:
            received.set()
            time.sleep(seconds)

    spy.before = before
    return received


def steps_told(shop: Guarded) -> list[str]:
    """What the evidence has of the steps of rollbacks."""
    records = shop.ask("GET", f"/api/rollouts/{ROLLOUT}/evidence", "viewer").json()["records"]
    bodies = [json.loads(record["body"]) for record in records if record["kind"] == "step"]
    return [one["found"] for one in bodies if one["action"] == "rollback"]


@pytest.mark.parametrize(
    ("verb", "weight", "proof"),
    [("promote", 50, None), ("promote", 50, GONE), ("reduce", 5, GONE)],
    ids=["a promotion, no proof", "a promotion, with proof", "a smaller share, with proof"],
)
def test_a_write_that_lands_after_the_rollback_is_put_right_before_it_is_called_done(
    tmp_path: Path, verb: str, weight: int, proof: Proof | None
) -> None:
    with scraped(tmp_path, canary_traffic=0) as application, spied(tmp_path) as spy:
        book = reducible(playbook(stages=STAGES, proof=proof), *weights(5, 95, **QUICK))
        with guarded(tmp_path, book, proxy=False, PROMETHEUS=application.url) as shop:
            shop.call("start")
            received = late(spy, f"set weight web/canary {weight}")
            with in_the_background(shop, verb):
                assert received.wait(10)
                shop.deliver()
                shop.until("rollback", "proved" if proof else "done")
                assert shop.weights_of(spy) == (0, 100)
            assert f"set weight web/canary {weight}" in spy.sets()
            assert [run for run in shop.runs() if run[0] != "start"] == [
                (verb, "superseded"),
                ("rollback", "proved" if proof else "done"),
            ]
            changed = f"weight {weight}, changed since; it is corrected"
            assert [found for found in steps_told(shop) if changed in found] != []


def test_two_receivers_and_a_late_target_end_with_the_canary_out(tmp_path: Path) -> None:
    with database(tmp_path) as postgresql, spied(tmp_path) as spy:
        store = postgresql.make("shop")
        book = playbook(stages=STAGES)
        with (
            guarded(tmp_path, book, proxy=False, STORE=store) as first,
            guarded(tmp_path, book, proxy=False, STORE=store) as second,
        ):
            first.call("start")
            received = late(spy, "set weight web/canary 50")
            with in_the_background(first, "promote"):
                assert received.wait(10)
                second.deliver()
                second.until("rollback", "done")
                assert second.weights_of(spy) == (0, 100)
            assert first.status()["attempt"]["stage"] == "10%"
            assert Questions(store).verify().problems == ()


def test_an_emergency_does_not_wait_for_the_proof_of_an_ordinary_rollback(tmp_path: Path) -> None:
    drain = HAProxyState("web/canary", "maint", [SOCKET])
    with scraped(tmp_path, canary_traffic=5) as application:
        book = with_steps(playbook(proof=GONE), "emergency-rollback", (*weights(0, 100), drain))
        with guarded(tmp_path, book, PROMETHEUS=application.url) as shop:
            shop.call("start")
            shop.deliver()
            shop.until("rollback", "proving")
            began = time.monotonic()
            shop.deliver(body(alert("error-rate", "emergency")))
            shop.until("emergency-rollback", "proving")
            assert time.monotonic() - began < 10  # the proof has 60 s
            assert shop.runs()[1:] == [("rollback", "proving"), ("emergency-rollback", "proving")]
            application.values["canary_traffic"] = 0
            shop.until("emergency-rollback", "proved")
            shop.until("rollback", "proved")
            assert shop.status()["attempt"]["state"] == "rolled-back"


def test_an_emergency_takes_the_turn_from_a_rollback_that_acts_and_what_that_had_left_is_done_after_it(
    tmp_path: Path,
) -> None:
    with spied(tmp_path) as spy:
        book = with_steps(playbook(), "emergency-rollback", weights(0, 100)[:1])
        with guarded(tmp_path, book, proxy=False) as shop:
            shop.call("start")
            spy.commands.clear()
            asked = threading.Event()

            def hanging(_command: str, answer: str) -> str:
                if not asked.is_set():
                    asked.set()
                    raise Silence
                return answer

            spy.fault = hanging
            shop.deliver()
            assert asked.wait(10)
            shop.deliver(body(alert("error-rate", "emergency")))
            shop.until("emergency-rollback", "done")
            shop.until("rollback", "done")
            assert spy.sets() == ["set weight web/canary 0", "set weight web/stable 100"]
            assert shop.status()["attempt"]["state"] == "rolled-back"


def test_a_write_of_a_weaker_rollback_that_lands_late_is_put_right_before_the_stronger_one_is_done(
    tmp_path: Path,
) -> None:
    """The weaker one leaves the canary a little, for those who are logged in; the emergency takes all."""
    with spied(tmp_path) as spy:
        weaker, stronger = weights(5, 95, **QUICK), weights(0, 100, **QUICK)
        book = with_steps(playbook(steps=weaker), "emergency-rollback", stronger)
        with guarded(tmp_path, book, proxy=False) as shop:
            shop.call("start")
            received = late(spy, "set weight web/canary 5")
            shop.deliver()
            assert received.wait(10)
            shop.deliver(body(alert("error-rate", "emergency")))
            shop.until("emergency-rollback", "done")
            time.sleep(3)  # it has landed, whenever that was
            assert ("set weight web/canary 5" in spy.sets(), shop.weights_of(spy)) == (True, (0, 100))


def with_steps(book: Playbook, action: str, steps: tuple[object, ...]) -> Playbook:
    """A playbook in which one action has other steps than the rest."""
    actions: tuple[Action, ...] = tuple(
        one.model_copy(update={"steps": steps}) if one.name == action else one for one in book.actions
    )
    return book.model_copy(update={"actions": actions})


@pytest.fixture(name="tentative")
def _tentative(tmp_path: Path) -> Iterator[Guarded]:
    """A rollback waits for a minute to be confirmed."""
    asks = Confirmation(after=60, expr="bad == 1", unreachable="hold")
    with (
        scraped(tmp_path, bad=0) as application,
        guarded(
            tmp_path,
            playbook(tiers={"error-rate/critical": {"confirmation": asks}}),
            PROMETHEUS=application.url,
        ) as shop,
    ):
        shop.call("start")
        shop.deliver()
        shop.until("rollback", "waiting")
        yield shop


def test_a_definite_alert_does_not_wait_for_a_tentative_one(tentative: Guarded) -> None:
    tentative.deliver(body(alert("leaks", "critical")))
    tentative.until("security-rollback", "done")
    assert tentative.weights() == (0, 100)


def test_a_person_rolls_back_while_a_rollback_waits_to_be_confirmed(tentative: Guarded) -> None:
    answer = tentative.call("rollback", why="customers cannot pay")
    assert (answer["verdict"], answer["outcome"]) == ("act", "done")
    assert tentative.weights() == (0, 100)
    assert tentative.runs()[1:] == [("rollback", "superseded"), ("rollback", "done")]


def test_a_person_rolls_back_whatever_is_recorded_and_what_differs_is_acted_on(tmp_path: Path) -> None:
    with (
        scraped(tmp_path, canary_traffic=5) as application,
        guarded(tmp_path, playbook(proof=GONE), PROMETHEUS=application.url) as shop,
    ):
        shop.call("start")
        shop.deliver()
        shop.until("rollback", "proving")
        assert shop.call("rollback", why="is it out?")["outcome"] == "proving"
        application.values["canary_traffic"] = 0
        shop.until("rollback", "proved")
        servers.ask_haproxy(tmp_path / "haproxy.sock", "set weight web/canary 10")
        shop.call("rollback", why="the balancer was reloaded")
        assert shop.weights() == (0, 100)


def test_a_failed_promotion_leaves_the_attempt_where_it_was_and_is_retried(tmp_path: Path) -> None:
    with spied(tmp_path) as spy, guarded(tmp_path, playbook(stages=STAGES), proxy=False) as shop:
        shop.call("start")
        spy.before = closed
        assert shop.call("promote")["outcome"] == "failed"
        assert shop.status()["attempt"]["stage"] == "10%"
        assert shop.metric("handrail_rollout_stage")['{rollout="shop",stage="10%"}'] == 1
        assert shop.call("promote", to="100%", anyway=True, why="go on")["reason"] == "other-stage"
        spy.before = lambda _command: None
        assert shop.call("retry")["outcome"] == "done"
        assert (shop.status()["attempt"]["stage"], shop.weights_of(spy)) == ("50%", (50, 50))
        assert shop.status()["attempt"]["held"] == ""


def closed(command: str) -> None:
    """The connection ends where the canary would get half of the traffic."""
    if command == "set weight web/canary 50":
        raise ConnectionResetError


def test_two_people_who_promote_at_once_go_one_stage(tmp_path: Path) -> None:
    with guarded(tmp_path, playbook(stages=STAGES)) as shop:
        shop.call("start")
        answers: list[str] = []
        calls = [
            threading.Thread(target=lambda: answers.append(shop.call("promote")["reason"])) for _ in range(2)
        ]
        for call in calls:
            call.start()
        for call in calls:
            call.join()
        assert "asked-for" in answers
        assert set(answers) <= {"asked-for", "under-way", "name-the-stage", "other-attempt"}
        assert shop.status()["attempt"]["stage"] == "50%"
        assert shop.call("promote", to="50%")["text"] == (
            "you meant 50%, which it has entered; next comes 100%: --to 100%"
        )
        assert shop.call("promote", to="100%")["outcome"] == "done"


def test_a_corrected_playbook_reaches_a_live_attempt_by_adopt_alone(tmp_path: Path) -> None:
    with guarded(tmp_path, playbook(stages=STAGES)) as shop:
        shop.call("start")
        write_playbook(tmp_path / "playbook", playbook(stages=STAGES, steps=weights(0, 99)))
        servers.until(lambda: shop.status()["changed"], "the new playbook")
        line = "actions rollback steps haproxy-weight 2 weight: 100 → 99"
        assert shop.status()["changed"][0] == line
        answer = shop.call("adopt", why="one hundred is too much")
        assert (answer["reason"], line in answer["text"]) == ("adopted", True)
        assert shop.status()["changed"] == []
        assert shop.call("rollback")["outcome"] == "done"
        assert shop.weights() == (0, 99)


def test_an_abandoned_attempt_is_over_and_no_target_was_asked(tmp_path: Path) -> None:
    with guarded(tmp_path, playbook(stages=STAGES)) as shop:
        shop.call("start")
        assert shop.call("abandon", why="it goes on elsewhere")["reason"] == "abandoned"
        shop.deliver()
        decided = "handrail_notifications_total"
        servers.until(lambda: sum(shop.metric(decided).values()) == 1, "the alert to be decided on")
        assert (shop.status()["attempt"]["state"], shop.weights()) == ("abandoned", (10, 90))
        assert shop.call("start")["text"].startswith("error-rate/critical fires; ")
        assert shop.call("start", anyway=True, why="it is fixed")["reason"] == "asked-for"


def test_a_rollback_that_was_confirmed_takes_the_turn_from_a_promotion_that_hangs(tmp_path: Path) -> None:
    asks = Confirmation(after=1, expr="bad == 1", unreachable="hold")
    book = playbook(stages=STAGES, tiers={"error-rate/critical": {"confirmation": asks}})
    with (
        scraped(tmp_path, bad=0) as application,
        spied(tmp_path) as spy,
        guarded(tmp_path, book, proxy=False, PROMETHEUS=application.url, LEASE="600") as shop,
    ):
        shop.call("start")
        received = late(spy, "set weight web/canary 50", seconds=2.5)
        with in_the_background(shop, "promote"):
            assert received.wait(10)
            application.values["bad"] = 1
            shop.deliver()
            servers.until(lambda: "set weight web/canary 0" in spy.sets(), "the canary to be taken out")
            shop.until("rollback", "done")
        assert shop.weights_of(spy) == (0, 100)
        assert ("promote", "superseded") in shop.runs()
