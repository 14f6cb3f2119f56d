"""What the real Alertmanager and Prometheus say, and what the receiver makes of it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import servers
from guarded import Guarded, alert, body, guarded, playbook
from guarded.alertmanagers import NOBODY, VERSIONS, Alertmanager, alertmanager, asked, sends_to
from guarded.scraped import samples, scraped
from handrail.contract import Confirmation, Gate, Proof, ReferenceQuery, Tell, Webhook


@pytest.fixture(name="pair", params=VERSIONS)
def _pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Guarded, Alertmanager]]:
    alerting = servers.free_address()
    with guarded(tmp_path, ALERTMANAGERS=f"http://{alerting}", ASK_EVERY="3600") as shop:
        config = sends_to(f"{shop.server.url}/webhooks/alertmanager")
        with alertmanager(tmp_path, request.param, config, alerting) as sender:
            yield shop, sender


def count(shop: Guarded, result: str) -> float:
    return shop.metric("handrail_notifications_total")[f'{{result="{result}"}}']


def test_alertmanager_s_own_delivery_rolls_back_once_however_often_it_repeats(
    pair: tuple[Guarded, Alertmanager],
) -> None:
    shop, sender = pair
    shop.call("start")
    sender.say(firing=True)
    shop.until("rollback", "done")
    servers.until(lambda: count(shop, "repeat") >= 2, "two redeliveries")
    sender.say(firing=False)
    servers.until(lambda: count(shop, "note") >= 1, "the resolve")
    assert shop.runs() == [("start", "done"), ("rollback", "done")]
    assert shop.weights() == (0, 100)


def test_a_delivery_that_was_answered_with_503_comes_again(pair: tuple[Guarded, Alertmanager]) -> None:
    shop, sender = pair
    shop.call("start")
    holding = sqlite3.connect(shop.folder / "handrail.db", isolation_level=None)
    holding.execute("BEGIN IMMEDIATE")
    sender.say(firing=True)
    servers.until(lambda: count(shop, "unavailable") >= 1, "a refusal")
    holding.close()
    shop.until("rollback", "done")
    assert sender.count("alertmanager_notification_requests_failed_total") >= 1


def test_a_mixed_group_is_judged_alert_by_alert(pair: tuple[Guarded, Alertmanager]) -> None:
    shop, sender = pair
    shop.call("start")
    sender.say(firing=True, guardrail="error-rate", tier="warning")
    servers.until(lambda: count(shop, "tell") == 1, "the warning")
    sender.say(firing=False, guardrail="error-rate", tier="warning")
    sender.say(firing=True, guardrail="leaks")
    shop.until("security-rollback", "done")
    assert shop.weights() == (0, 100)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_fires_is_found_by_asking_when_no_delivery_came(tmp_path: Path, version: str) -> None:
    with (
        alertmanager(tmp_path, version, NOBODY) as sender,
        guarded(tmp_path, ALERTMANAGERS=sender.url, ASK_EVERY="1") as shop,
    ):
        shop.call("start")
        sender.say(firing=True)
        shop.until("rollback", "done")
        assert shop.weights() == (0, 100)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_silenced_is_left_alone(tmp_path: Path, version: str) -> None:
    with alertmanager(tmp_path, version, NOBODY) as sender:
        sender.silence(rollout="shop")
        sender.say(firing=True)
        with guarded(tmp_path, ALERTMANAGERS=sender.url, ASK_EVERY="0.5") as shop:
            shop.call("start")
            asked(tmp_path)
            assert shop.runs() == [("start", "done")]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_alertmanager_sends_to_others_does_not_count(tmp_path: Path, version: str) -> None:
    routes = [{"receiver": "staging", "matchers": ['cluster="stg-1"']}]
    config = {
        "route": {"receiver": "monitoring/shop/handrail", "routes": routes},
        "receivers": [{"name": "monitoring/shop/handrail"}, {"name": "staging"}],
    }
    with (
        alertmanager(tmp_path, version, config) as sender,
        guarded(tmp_path, ALERTMANAGERS=sender.url, ASK_EVERY="0.5") as shop,
    ):
        shop.call("start")
        sender.say(firing=True, cluster="stg-1")
        sender.say(firing=True, environment="staging")
        asked(tmp_path)
        page = "1 alerts of ours go to staging and to no receiver called handrail; correct the routes, or"
        servers.until(lambda: page in shop.ask("GET", "/", "viewer").text, "the page to say so")
        assert (shop.runs(), shop.weights()) == ([("start", "done")], (10, 90))
        sender.say(firing=True, cluster="prod-1")
        shop.until("rollback", "done")


def test_a_heartbeat_that_is_fetched_is_none(tmp_path: Path) -> None:
    with (
        alertmanager(tmp_path, "0.25", NOBODY) as sender,
        guarded(tmp_path, ALERTMANAGERS=sender.url, ASK_EVERY="0.3", HEARTBEAT_WITHIN="2") as shop,
    ):
        beat = {"alertname": "HandrailHeartbeat", "rollout": "shop", "guardrail": "heartbeat"}
        sender.take({"labels": beat, "annotations": {}})
        shop.call("start", anyway=True, why="on a slow machine it is blind by now")
        blind = "the guard is blind: no heartbeat from Alertmanager for "
        servers.until(lambda: blind in shop.call("promote")["text"], "the blindness")


@pytest.mark.parametrize("version", VERSIONS)
def test_what_no_alertmanager_has_any_more_fires_no_more(tmp_path: Path, version: str) -> None:
    """It ends while it is silenced, so that nobody tells of its end."""
    stages = tuple(stage.model_copy(update={"bake": 0}) for stage in playbook().stages)
    book = playbook(stages=stages, gates=(Gate(into="50%", stable_for=0.5),))
    alerting = servers.free_address()
    with guarded(tmp_path, book, ALERTMANAGERS=f"http://{alerting}", ASK_EVERY="0.5") as shop:
        config = sends_to(f"{shop.server.url}/webhooks/alertmanager")
        with alertmanager(tmp_path, version, config, alerting) as sender:
            shop.call("start")
            sender.say(firing=True, tier="warning")
            fires = "error-rate/warning fires; "
            servers.until(lambda: fires in shop.call("promote")["text"], "the gate to be shut")
            sender.silence(rollout="shop")
            sender.say(firing=False, tier="warning")
            servers.until(lambda: shop.call("promote")["verdict"] == "act", "the gate to be open")
        assert gone(shop) == [
            "all Alertmanagers answer and none has error-rate/warning any more: its resolve was lost"
        ]


def test_a_blind_guardrail_that_fires_after_its_own_end_holds_only_until_alertmanager_was_asked(
    tmp_path: Path,
) -> None:
    with (
        alertmanager(tmp_path, "0.25", NOBODY) as sender,
        guarded(tmp_path, ALERTMANAGERS=sender.url, ASK_EVERY="0.2") as shop,
    ):
        shop.call("start")
        shop.deliver(body(alert(tier="blind", status="resolved")))
        shop.deliver(body(alert(tier="blind")))
        servers.until(lambda: bool(gone(shop)), "the end to be found by asking")
        reasons = [one["reason"] for one in decisions(shop)]
        assert (reasons[-2:], shop.status()["attempt"]["held"]) == (["asked-for", "gone"], "")


def gone(shop: Guarded) -> list[str]:
    return [made["text"] for made in decisions(shop) if made["reason"] == "gone"]


def decisions(shop: Guarded) -> list[dict[str, str]]:
    records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
    return [json.loads(record["body"]) for record in records if record["kind"] == "decision"]


def test_what_one_of_two_alertmanagers_cannot_say_still_fires(tmp_path: Path) -> None:
    book = playbook(gates=(Gate(into="50%", stable_for=0.1),))
    with alertmanager(tmp_path, "0.25", NOBODY) as sender:
        both = f"{sender.url},http://{servers.free_address()}"
        with guarded(tmp_path, book, ALERTMANAGERS=both, ASK_EVERY="0.2") as shop:
            shop.call("start")
            shop.deliver(body(alert(tier="warning")))
            asked(tmp_path)
            time.sleep(2)
            assert "error-rate/warning fires" in shop.call("promote")["text"]
            assert gone(shop) == []


def test_a_password_in_an_address_stands_nowhere(tmp_path: Path) -> None:
    secret, dead = "hunter2-is-not-one", servers.free_address()
    where = f"http://guard:{secret}@{dead}"
    with guarded(tmp_path, proxy=False, PROMETHEUS=where, ALERTMANAGERS=where, ASK_EVERY="0.2") as shop:
        shop.call("start", anyway=True, why="nothing answers")
        servers.until(
            lambda: f"Alertmanager at http://{dead} cannot be reached" in shop.server.log.read_text(),
            "the log to say who is silent",
        )
        paths = (
            "/",
            "/rollouts/shop",
            "/metrics",
            "/readyz",
            "/api/rollouts/shop",
            "/api/rollouts/shop/evidence",
        )
        said = {path: shop.ask("GET", path, "viewer").text for path in paths}
        said["log"] = shop.server.log.read_text()
    assert [place for place, text in said.items() if secret in text] == []


def test_what_fired_and_resolved_while_it_was_away_is_found(tmp_path: Path) -> None:
    with scraped(tmp_path, bad=0) as application:
        with guarded(tmp_path, PROMETHEUS=application.url, ASK_EVERY="1") as shop:
            shop.call("start")
            asked(tmp_path)
        application.values["bad"] = 1
        servers.until(lambda: bool(samples(application.url, 'ALERTS{alertstate="firing"}')), "the alert")
        application.values["bad"] = 0
        servers.until(lambda: not samples(application.url, 'ALERTS{alertstate="firing"}'), "its end")
        with guarded(tmp_path, PROMETHEUS=application.url, ASK_EVERY="1") as shop:
            shop.until("rollback", "done")
            assert shop.weights() == (0, 100)


@pytest.mark.parametrize(("bad", "state"), [(1, "done"), (0, "withdrawn")])
def test_a_confirmation_asks_prometheus_again(tmp_path: Path, bad: float, state: str) -> None:
    asks = Confirmation(after=0.5, expr="bad == 1", unreachable="page")
    book = playbook(tiers={"error-rate/critical": {"confirmation": asks}})
    with (
        scraped(tmp_path, bad=bad) as application,
        guarded(tmp_path, book, PROMETHEUS=application.url) as shop,
    ):
        shop.call("start", anyway=True, why="a test")
        shop.deliver()
        shop.until("rollback", state)
        assert shop.weights() == ((0, 100) if bad else (10, 90))


@pytest.mark.parametrize(
    ("unreachable", "state"), [("act", "done"), ("hold", "withdrawn"), ("page", "withdrawn")]
)
def test_a_prometheus_that_cannot_be_reached_is_a_declared_case(
    tmp_path: Path, unreachable: Any, state: str
) -> None:
    asks = Confirmation(after=0, expr="bad == 1", unreachable=unreachable)
    book = playbook(tiers={"error-rate/critical": {"confirmation": asks}})
    with guarded(tmp_path, book, PROMETHEUS=f"http://{servers.free_address()}") as shop:
        shop.call("start", anyway=True, why="a test")
        shop.deliver()
        shop.until("rollback", state)
        assert bool(shop.status()["attempt"]["held"]) == (state == "withdrawn")


@pytest.mark.parametrize(("traffic", "state"), [(0, "proved"), (5, "unproved")])
def test_a_rollback_is_finished_when_the_traffic_is_gone(tmp_path: Path, traffic: float, state: str) -> None:
    book = playbook(proof=Proof(expr="traffic", at_most=0, within=2))
    with (
        scraped(tmp_path, traffic=traffic) as application,
        guarded(tmp_path, book, PROMETHEUS=application.url) as shop,
    ):
        shop.call("start")
        shop.deliver()
        shop.until("rollback", state)
        (run,) = [run for run in shop.status()["runs"] if run["action"] == "rollback"]
        instants = [run[name] for name in ("detected_at", "decided_at", "acted_at", "finished_at")]
        assert instants == sorted(instants)
        assert (run["proved_at"] is not None) == (state == "proved")
        evidence = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
        outcome = [json.loads(record["body"]) for record in evidence if record["kind"] == "outcome"][-1]
        phases = ("detected", "decided", "acted", "proved")
        kept = [outcome[phase] and datetime.fromisoformat(outcome[phase]) for phase in phases]
        assert kept == [run[f"{phase}_at"] and datetime.fromisoformat(run[f"{phase}_at"]) for phase in phases]
        counted = shop.metric("handrail_action_phase_seconds_count")
        rollback = '{action="rollback",phase="%s",rollout="shop"}'
        assert [counted.get(rollback % phase) for phase in phases] == [
            None,
            1,
            1,
            1 if state == "proved" else None,
        ]
        page = shop.ask("GET", "/rollouts/shop", "viewer").text
        assert [f"<dt>{phase}</dt>" in page for phase in phases] == [True] * 4


def test_references_are_captured_and_exported(tmp_path: Path) -> None:
    book = playbook()
    queries = (
        ReferenceQuery(reference="before", expr="usual"),
        ReferenceQuery(reference="stage:10%", expr="usual * 2"),
    )
    first = book.guardrails[0].model_copy(update={"references": queries})
    book = book.model_copy(update={"guardrails": (first, *book.guardrails[1:])})
    with (
        scraped(tmp_path, usual=0.25) as application,
        guarded(tmp_path, book, PROMETHEUS=application.url) as shop,
    ):
        shop.call("start")
        before = '{guardrail="error-rate",reference="before",rollout="shop"}'
        assert shop.metric("handrail_reference") == {before: 0.25}
        shop.call("promote")
        stage = '{guardrail="error-rate",reference="stage:10%",rollout="shop"}'
        assert shop.metric("handrail_reference") == {before: 0.25, stage: 0.5}


def test_a_figure_is_captured_and_exported_for_each_value_of_a_label(tmp_path: Path) -> None:
    expr = 'label_replace(usual, "by_path", "/pay", "", "") or label_replace(usual * 2, "by_path", "/a\\"b", "", "")'
    book = playbook()
    first = book.guardrails[0].model_copy(
        update={"references": (ReferenceQuery(reference="before", expr=expr),)}
    )
    book = book.model_copy(update={"guardrails": (first, *book.guardrails[1:])})
    with (
        scraped(tmp_path, usual=0.25) as application,
        guarded(tmp_path, book, PROMETHEUS=application.url) as shop,
    ):
        shop.call("start")
        assert shop.metric("handrail_reference") == {
            '{by_path="/pay",guardrail="error-rate",reference="before",rollout="shop"}': 0.25,
            '{by_path="/a\\"b",guardrail="error-rate",reference="before",rollout="shop"}': 0.5,
        }


def test_a_reference_that_cannot_be_captured_stops_the_start(tmp_path: Path) -> None:
    book = playbook()
    first = book.guardrails[0].model_copy(
        update={"references": (ReferenceQuery(reference="before", expr="nothing"),)}
    )
    book = book.model_copy(update={"guardrails": (first, *book.guardrails[1:])})
    with (
        scraped(tmp_path, usual=1) as application,
        guarded(tmp_path, book, PROMETHEUS=application.url) as shop,
    ):
        answer = shop.call("start")
        assert (answer["verdict"], answer["reason"]) == ("refuse", "not-ready")
        assert answer["text"].startswith(
            "error-rate: its figure 'before' cannot be captured: nothing gives nothing, not one number"
        )


def test_without_a_heartbeat_nothing_is_promoted_and_people_are_told(tmp_path: Path) -> None:
    told: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        Thread(target=web.serve_forever, daemon=True).start()
        book = playbook()
        tell = (Tell(Webhook(f"http://127.0.0.1:{web.server_port}/")),)
        actions = tuple(action.model_copy(update={"tell": tell}) for action in book.actions)
        book = book.model_copy(update={"actions": actions})
        with guarded(tmp_path, book, HEARTBEAT_WITHIN="3") as shop:
            shop.call("start", anyway=True, why="on a slow machine it is blind by now")
            blind = "the guard is blind: no heartbeat from Alertmanager for "
            servers.until(lambda: shop.call("promote")["text"].startswith(blind), "the blindness")
            ready = shop.ask("GET", "/readyz", "nobody")
            assert (ready.status_code, ready.json()["status"]) == (200, "ready"), "Alertmanager must reach it"
            assert [one.partition(" for ")[0] for one in ready.json()["problems"]] == [
                "the guard is blind: no heartbeat from Alertmanager"
            ]
            servers.until(lambda: len(told) >= 1, "the page")
            assert "Handrail is blind" in json.dumps(told[0])
            shop.deliver()
            shop.until("rollback", "done")
            servers.until(lambda: "rollback done" in json.dumps(told), "the news of the rollback")
        web.shutdown()


def test_a_heartbeat_opens_the_eyes_and_outlives_a_restart(tmp_path: Path) -> None:
    beat = {"alertname": "HandrailHeartbeat", "severity": "none"}
    content = json.dumps(
        {"version": "4", "alerts": [{"status": "firing", "labels": beat, "startsAt": "2026-01-01T00:00:00Z"}]}
    ).encode()
    with guarded(tmp_path, HEARTBEAT_WITHIN="2") as shop:
        time.sleep(2.5)
        assert shop.call("start")["reason"] == "not-ready"

        def sees() -> bool:
            shop.deliver(content)
            return bool(shop.call("start")["reason"] == "asked-for")

        servers.until(sees, "sight")
        age = shop.metric("handrail_heartbeat_age_seconds")[""]
        time.sleep(2.5)
    with guarded(tmp_path) as shop:
        servers.until(
            lambda: shop.metric("handrail_heartbeat_age_seconds")[""] > age + 2, "the old heartbeat"
        )
