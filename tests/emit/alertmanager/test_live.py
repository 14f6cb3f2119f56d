"""alertmanager.yml in a real Alertmanager → who is really told, how often, and with which words."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

import httpx
import pytest
import yaml
from emit.guarded_shop import kiosk, read_by, shop
from handrail.declare import Environment, MuteTime, PagerDutyReceiver, SlackReceiver
from handrail.emit import alertmanager as emitter
from handrail.lower import lower
from handrail.output.read_yaml import read_yaml
from servers import PLAIN, Server, alertmanager, program, until
from servers.newer import newer

VERSIONS = [
    pytest.param(program("prometheus-alertmanager"), (0, 25), id="0.25"),
    pytest.param(newer("prometheus-alertmanager"), (0, 33), id="newer"),
]


class Ear(ThreadingHTTPServer):
    """Takes every POST and keeps (path, authorization, body), and when it came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[tuple[str, str, dict[str, Any]]] = []
        self.times: list[float] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def on(self, path: str) -> list[dict[str, Any]]:
        return [body for place, _, body in self.heard if place == path]


class _Handler(BaseHTTPRequestHandler):
    server: Ear

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.times.append(time.monotonic())
        self.server.heard.append((self.path, self.headers.get("Authorization", ""), body))
        said = b'{"status":"success"}' if "pager" in self.path else b"ok"
        self.send_response(202 if "pager" in self.path else 200)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name it has there
        """Nothing: the test says what matters."""


@contextmanager
def listening() -> Iterator[Ear]:
    with Ear() as ear:
        thread = threading.Thread(target=ear.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield ear
        finally:
            ear.shutdown()
            thread.join()


@contextmanager
def guarded(
    folder: Path,
    binary: Path,
    version: tuple[int, int],
    changed: Callable[[str], str] = str,
    mute: Mapping[str, Sequence[MuteTime]] = MappingProxyType({}),
) -> Iterator[tuple[Server, Ear]]:
    """Alertmanager with the generated configuration, `changed`; receiver, Slack and PagerDuty are one ear."""
    with listening() as ear:
        token, slack, pager = (folder / name for name in ("token", "slack", "pager"))
        token.write_text("secret-token")
        slack.write_text(f"{ear.url}/slack")
        pager.write_text("routing-key")
        on_call = PagerDutyReceiver(str(pager), url=f"{ear.url}/pager")
        place = Environment(
            "here",
            receiver=ear.url,
            token_file=str(token),
            routes={
                "P1": [on_call],
                "P3": [SlackReceiver("#shop", str(slack))],
                "critical": [],
                "vp": [SlackReceiver("#vp", str(slack))],
            },
            mute=mute,
        )
        for path, text in emitter.emit(lower([shop, kiosk], read_by(place, version)).common).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(changed(text) if target.suffix == ".yml" else text)
        with alertmanager(folder, folder / "alertmanager/alertmanager.yml", binary=binary) as server:
            yield server, ear


def alert(guardrail: str, tier: str, action: str, **more: str) -> dict[str, str]:
    severity = {"warning": "P3", "critical": "P2", "emergency": "P1"}[tier]
    labels = {
        "rollout": "shop",
        "service": "shop",
        "guardrail": guardrail,
        "tier": tier,
        "severity": severity,
    }
    return {"alertname": f"{guardrail}-{tier}", **labels, "action": action, **more}


def fire(server: Server, *alerts: Mapping[str, str]) -> None:
    ends = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    annotations = {
        "summary": "Too many <!channel> errors & more",
        "description": "3 %",
        "runbook_url": "http://books/shop.md#errors",
        "dashboard_url": "http://boards/shop",
    }
    body = [{"labels": dict(labels), "annotations": annotations, "endsAt": ends} for labels in alerts]
    httpx.post(f"{server.url}/api/v2/alerts", json=body, trust_env=False, verify=PLAIN).raise_for_status()


@pytest.mark.parametrize(("binary", "version"), VERSIONS)
def test_what_acts_is_told_at_once_with_the_token_and_people_read_what_is_meant_for_them(
    tmp_path: Path, binary: Path, version: tuple[int, int]
) -> None:
    with guarded(tmp_path, binary, version) as (server, ear):
        fire(server, alert("errors", "emergency", "rollback", mode="shadow"))
        fire(server, alert("memory", "warning", "investigate"), alert("disk", "emergency", "hold"))
        until(lambda: len(ear.heard) == 4, "the four deliveries", within=30)
        webhook = "/webhooks/alertmanager"
        shadow, recorded = ear.on(webhook)
        assert [a["labels"]["alertname"] for a in shadow["alerts"]] == ["errors-emergency"]
        assert sorted(a["labels"]["alertname"] for a in recorded["alerts"]) == [
            "disk-emergency",
            "memory-warning",
        ]
        assert {who for place, who, _ in ear.heard if place == webhook} == {"Bearer secret-token"}
        [told] = ear.on("/slack")
        [attachment] = told["attachments"]
        assert (attachment["title"], attachment["title_link"]) == (
            "[P3] shop: 1 firing",
            "http://books/shop.md#errors",
        )
        assert attachment["text"].strip().splitlines() == [
            "*Too many &lt;!channel&gt; errors &amp; more*",
            "3 %",
            "Action: investigate",
            "<http://books/shop.md#errors|Runbook> · <http://boards/shop|Dashboard>",
        ]
        [paged] = ear.on("/pager")
        assert (paged["routing_key"], paged["event_action"], paged["payload"]["summary"]) == (
            "routing-key",
            "trigger",
            "[P1] shop: 1 firing",
        )
        assert paged["payload"]["severity"] == "critical"


@pytest.mark.parametrize(("binary", "version"), VERSIONS)
def test_in_a_mute_time_people_hear_nothing_and_the_receiver_all_the_same(
    tmp_path: Path, binary: Path, version: tuple[int, int]
) -> None:
    always = [MuteTime(hours="00:00-24:00", zone="Europe/Berlin")]

    def muted_first(text: str) -> str:
        made = read_yaml(text)
        for route in made["route"]["routes"]:
            route["group_wait"] = "3s" if route["receiver"] == "shop/P3" else "0s"
        return yaml.safe_dump(made)

    with guarded(tmp_path, binary, version, muted_first, {"P1": always}) as (server, ear):
        fire(server, alert("errors", "emergency", "rollback"), alert("memory", "warning", "investigate"))
        until(lambda: ear.on("/slack") != [], "the warning, whose people are not muted", within=30)
        heard = [
            one["labels"]["alertname"] for told in ear.on("/webhooks/alertmanager") for one in told["alerts"]
        ]
        assert (sorted(heard), ear.on("/pager")) == (["errors-emergency", "memory-warning"], [])


@pytest.mark.parametrize(("binary", "version"), VERSIONS)
def test_the_heartbeat_comes_at_every_interval_and_not_at_every_second_one(
    tmp_path: Path, binary: Path, version: tuple[int, int]
) -> None:
    def fifteen_times_as_fast(text: str) -> str:
        made = read_yaml(text)
        [beat] = [r for r in made["route"]["routes"] if r["receiver"] == "handrail-heartbeat"]
        assert (beat["group_wait"], beat["group_interval"], beat["repeat_interval"]) == ("0s", "30s", "15s")
        beat |= {"group_interval": "2s", "repeat_interval": "1s"}
        return yaml.safe_dump(made)

    with guarded(tmp_path, binary, version, fifteen_times_as_fast) as (server, ear):
        fire(server, {"alertname": "HandrailHeartbeat", "rollout": "shop", "service": "shop"})
        until(lambda: len(ear.heard) == 6, "six heartbeats", within=60)
        gaps = [(later - earlier) for earlier, later in pairwise(ear.times)]
        assert 1.5 < median(gaps) < 3
