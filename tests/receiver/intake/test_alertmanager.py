"""How Alertmanager really delivers, each fact with the real program, and what the receiver makes of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import servers
from apis.inbox import Inbox
from apis.serving import Request, Trouble
from guarded import TOKENS, Guarded, guarded
from guarded.alertmanagers import VERSIONS, alert, alertmanager, cluster, sends_to
from starlette.responses import JSONResponse, RedirectResponse

FAILED, SENT = "alertmanager_notifications_failed_total", "alertmanager_notifications_total"
TRIES = "alertmanager_notification_requests_failed_total"
HOUR: dict[str, Any] = {"group_interval": "1h", "repeat_interval": "1h"}
each_version = pytest.mark.parametrize("version", VERSIONS)


def heard(ear: Inbox, number: int) -> list[Request]:
    """The first requests, once there are so many."""
    servers.until(lambda: len(ear.requests) >= number, f"{number} deliveries")
    return ear.requests[:number]


def alerts(request: Request) -> list[tuple[str, str]]:
    """Guardrail and status of each alert that a delivery lists."""
    return [(one["labels"]["guardrail"], one["status"]) for one in request.json["alerts"]]


@each_version
def test_what_fires_and_resolves_while_nobody_takes_it_is_never_sent(tmp_path: Path, version: str) -> None:
    with Inbox() as ear, alertmanager(tmp_path, version, sends_to(ear.url, group_by=["..."])) as sender:
        ear.trouble = Trouble.down
        sender.say(firing=True)
        servers.until(lambda: sender.count(TRIES) > 0, "a try")
        sender.say(firing=False)
        servers.until(lambda: sender.count(FAILED) == 1, "the flush to be given up")
        ear.trouble = Trouble.none
        ear.requests.clear()
        sender.say(firing=True, guardrail="leaks")
        servers.until(lambda: _told(ear, "leaks") >= 3, "two more rounds")
        assert {pair for one in ear.requests for pair in alerts(one)} == {("leaks", "firing")}


@each_version
def test_a_503_is_tried_again_within_the_flush(tmp_path: Path, version: str) -> None:
    with Inbox() as ear, alertmanager(tmp_path, version, sends_to(ear.url, **HOUR)) as sender:
        ear.queue += [JSONResponse({}, 503), JSONResponse({}, 503)]
        sender.say(firing=True)
        heard(ear, 3)
        servers.until(lambda: sender.count(SENT) == 1, "the end of the flush")
        assert (len(ear.requests), sender.count(FAILED)) == (3, 0)


@each_version
@pytest.mark.parametrize("status", [400, 401, 413, 429])
def test_any_other_refusal_waits_a_whole_group_interval(tmp_path: Path, version: str, status: int) -> None:
    with Inbox() as ear, alertmanager(tmp_path, version, sends_to(ear.url, **HOUR)) as sender:
        ear.queue.append(JSONResponse({}, status, headers={"retry-after": "0"}))
        sender.say(firing=True)
        servers.until(lambda: sender.count(FAILED) == 1, "the flush to be given up")
        assert len(ear.requests) == 1


@each_version
@pytest.mark.parametrize("follows", [True, False])
def test_a_redirect_that_is_followed_is_a_silent_loss(tmp_path: Path, version: str, follows: bool) -> None:
    http = {"http_config": {"follow_redirects": follows}}
    with (
        Inbox() as ear,
        alertmanager(tmp_path, version, sends_to(f"{ear.url}/hook", webhook=http, **HOUR)) as sender,
    ):
        ear.queue.append(RedirectResponse(f"{ear.url}/elsewhere", 302))
        sender.say(firing=True)
        if follows:
            servers.until(lambda: len(ear.requests) == 2, "both requests")
        servers.until(lambda: sender.count(SENT if follows else FAILED) == 1, "the end of the flush")
        seen = [(one.method, one.path, bool(one.content)) for one in ear.requests]
        lost = [("POST", "/hook", True), ("GET", "/elsewhere", False)]
        assert (seen, sender.count(FAILED)) == ((lost, 0) if follows else (lost[:1], 1))


def test_the_receiver_redirects_nobody_and_has_one_path_for_deliveries(tmp_path: Path) -> None:
    near = ["/webhooks/alertmanager/", "//webhooks/alertmanager", "/webhooks", "/webhooks/Alertmanager", "/"]
    with guarded(tmp_path, proxy=False) as shop:
        answers = [shop.ask("POST", path, "alertmanager", content=b"{}").status_code for path in near]
        assert answers == [404, 404, 404, 404, 405]
        looks = [
            shop.ask(method, "/webhooks/alertmanager", "alertmanager") for method in ("GET", "HEAD", "PUT")
        ]
        assert [(one.status_code, one.headers["allow"]) for one in looks] == [(405, "POST")] * 3
        assert shop.deliver().status_code == 200


@each_version
def test_a_delivery_carries_no_id_no_time_and_no_signature(tmp_path: Path, version: str) -> None:
    with Inbox() as ear, alertmanager(tmp_path, version, sends_to(ear.url)) as sender:
        sender.say(firing=True)
        first, again = heard(ear, 2)
        assert set(first.headers) - {"accept-encoding"} == {
            "host",
            "user-agent",
            "content-length",
            "content-type",
            "authorization",
        }
        assert first.headers["authorization"] == f"Bearer {TOKENS['alertmanager']}"
        why = {"notification_reason"}
        assert [_without(one.json, why) for one in (first, again)] == [_without(first.json, why)] * 2


def _without(body: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


@each_version
def test_what_alertmanager_calls_things_is_no_key(tmp_path: Path, version: str) -> None:
    with Inbox() as ear:
        config = sends_to(ear.url, **HOUR)
        config["route"]["receiver"] = config["receivers"][0]["name"] = "hand.rail"
        with alertmanager(tmp_path, version, config) as sender:
            sender.take(one := alert(firing=True))
            [first] = heard(ear, 1)
            earlier = {**one, "startsAt": "2026-01-01T00:00:00Z", "annotations": {"summary": "other"}}
            sender.take(earlier)
            config["route"]["routes"] = [{"matchers": ['rollout="shop"']}]
            sender.reload(config)
            _, again = heard(ear, 2)
    [before], [after] = first.json["alerts"], again.json["alerts"]
    assert first.json["receiver"] == "hand\\.rail"
    assert [one.json["groupKey"] for one in (first, again)] == [
        '{}:{rollout="shop"}',
        '{}/{rollout="shop"}:{rollout="shop"}',
    ]
    assert (before["endsAt"], after["startsAt"]) == ("0001-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
    assert before["fingerprint"] == after["fingerprint"]
    assert ("notification_reason" in first.json) == (version == "0.33")


@each_version
def test_a_list_that_is_cut_says_resolved_while_others_fire_and_the_receiver_asks(
    tmp_path: Path, version: str
) -> None:
    alerting, address = servers.free_address(), servers.free_address()
    with Inbox() as ear:
        urls = (f"http://{address}/webhooks/alertmanager", ear.url)
        config = sends_to(*urls, webhook={"max_alerts": 1})
        with (
            guarded(tmp_path, ADDRESS=address, ALERTMANAGERS=f"http://{alerting}", ASK_EVERY="3600") as shop,
            alertmanager(tmp_path, version, config, alerting) as sender,
        ):
            shop.call("start")
            sender.say(firing=True, tier="warning", job="a")
            heard(ear, 1)
            sender.take(
                alert(firing=False, tier="warning", job="a"),
                alert(firing=True, job="z"),
                alert(firing=True, guardrail="leaks", job="z"),
            )
            lying = {"status": "resolved", "truncatedAlerts": 2}
            servers.until(lambda: any(lying.items() <= one.json.items() for one in ear.requests), "the lie")
            shop.until("security-rollback", "done")
            assert shop.weights() == (0, 100)
            [lie] = [one for one in ear.requests if lying.items() <= one.json.items()][:1]
            assert alerts(lie) == [("error-rate", "resolved")]


def test_two_peers_may_each_deliver_and_it_is_done_once(tmp_path: Path) -> None:
    """Both are in the middle of trying when the receiver comes back: neither knows that the other gets through."""
    address = servers.free_address()
    config = sends_to(f"http://{address}/webhooks/alertmanager", group_interval="1h", repeat_interval="1h")
    with guarded(tmp_path, ADDRESS=address) as shop:
        shop.call("start")
    with cluster(tmp_path, config, peer_timeout="100ms") as peers:
        for peer in peers:
            peer.say(firing=True)
        servers.until(lambda: all(peer.count(TRIES) > 0 for peer in peers), "both to be trying")
        with guarded(tmp_path, ADDRESS=address) as shop:
            servers.until(lambda: senders(shop) == ["http://am-0", "http://am-1"], "a delivery of each")
            shop.until("rollback", "done")
            servers.until(lambda: sum(shop.metric("handrail_notifications_total").values()) >= 2, "both")
            assert shop.runs() == [("start", "done"), ("rollback", "done")]
            assert shop.weights() == (0, 100)


def senders(shop: Guarded) -> list[str]:
    """Whose deliveries are on disk."""
    with closing(sqlite3.connect(shop.folder / "handrail.db")) as store:
        bodies = [
            json.loads(row[0]) for row in store.execute("SELECT body FROM inbox WHERE source <> 'asked'")
        ]
    return sorted({body["externalURL"] for body in bodies})


@each_version
def test_while_an_alert_is_silenced_its_end_is_not_told(tmp_path: Path, version: str) -> None:
    with Inbox() as ear, alertmanager(tmp_path, version, sends_to(ear.url, group_by=["..."])) as sender:
        sender.say(firing=True)
        heard(ear, 1)
        sender.silence(guardrail="error-rate")
        sender.say(firing=False)
        sender.say(firing=True, guardrail="leaks")
        servers.until(lambda: _told(ear, "leaks") >= 3, "two more rounds")
        assert {pair for one in ear.requests for pair in alerts(one)} == {
            ("error-rate", "firing"),
            ("leaks", "firing"),
        }


def _told(ear: Inbox, guardrail: str) -> int:
    return sum((guardrail, "firing") in alerts(one) for one in ear.requests)


@each_version
def test_an_alert_that_nobody_speaks_of_any_more_is_resolved_by_itself(tmp_path: Path, version: str) -> None:
    with (
        Inbox() as ear,
        alertmanager(tmp_path, version, {**sends_to(ear.url), "global": {"resolve_timeout": "1s"}}) as sender,
    ):
        sender.say(firing=True)
        servers.until(
            lambda: ("error-rate", "resolved") in alerts(ear.requests[-1]) if ear.requests else False,
            "its end",
        )
        assert alerts(ear.requests[0]) == [("error-rate", "firing")]


@each_version
def test_a_group_mixes_what_fires_and_what_has_stopped(tmp_path: Path, version: str) -> None:
    with Inbox() as ear, alertmanager(tmp_path, version, sends_to(ear.url, group_wait="1s")) as sender:
        sender.take(alert(firing=True), alert(firing=True, guardrail="leaks"))
        heard(ear, 1)
        sender.say(firing=False)
        mixed = [("error-rate", "resolved"), ("leaks", "firing")]
        servers.until(lambda: sorted(alerts(ear.requests[-1])) == mixed, "the mixed group")
        assert ear.requests[-1].json["status"] == "firing"


def test_rules_are_prometheus_s_and_cannot_be_given_to_it(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text("{}")
    with servers.prometheus(tmp_path, tmp_path / "prometheus.yml") as server:
        tries = [
            httpx.request(way, f"{server.url}/api/v1/rules", trust_env=False, verify=servers.PLAIN)
            for way in ("POST", "PUT")
        ]
        assert {answer.status_code for answer in tries} <= {404, 405}
