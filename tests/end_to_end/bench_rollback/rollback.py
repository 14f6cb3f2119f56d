"""Webhook → weight 0: how long the receiver takes from Alertmanager's POST until HAProxy holds weight 0.

The playbook is the demo's, with two changes that only let it run many times in a row: a budget that is not
used up, and no proof to wait for (it comes after the weight is 0). Each run is a fresh attempt.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import servers

from end_to_end.demo import files, stack
from end_to_end.demo.api import Receiver
from end_to_end.demo.view import ROLLOUT

LOOK_EVERY = 0.0005
HURRY = {"HANDRAIL_ACTS_PER_MINUTE": "100000"}


def measure(folder: Path, runs: int) -> Iterator[float]:
    """Seconds from the first byte of the webhook to the look at HAProxy that found weight 0, for each run."""
    at = files.Addresses()
    made = files.write(folder, at)
    playbook = _many_times(made.generated / f"playbook/{ROLLOUT}.json")
    alertmanager = {"Authorization": f"Bearer {made.token('alertmanager').read_text()}"}
    settings = stack.settings(made, at) | HURRY
    with (
        stack.balancer(made, at),
        servers.receiver(folder, address=at.receiver, env=settings) as server,
        httpx.Client(base_url=server.url, headers=alertmanager, trust_env=False) as client,
    ):
        receiver = Receiver(server.url, made.token("operator").read_text())
        for name in ("web/canary", "web/stable"):  # the application does not run, which people would be told
            servers.ask_haproxy(folder / "haproxy.sock", f"disable health {name}")
            servers.ask_haproxy(folder / "haproxy.sock", f"set server {name} health up")
        for _ in range(runs):
            receiver.start(ROLLOUT, why="there is no Prometheus here")
            assert _weight(folder) == 10
            body = _webhook(playbook)
            began = time.perf_counter()
            client.post("/webhooks/alertmanager", content=body).raise_for_status()
            servers.until(lambda: _weight(folder) == 0, "weight 0", within=10, every=LOOK_EVERY)
            yield time.perf_counter() - began
            servers.until(lambda: _over(receiver), "the end of the attempt", within=10)


def _weight(folder: Path) -> int:
    """The canary's weight, by HAProxy's word: `10 (initial 100)`."""
    return int(servers.ask_haproxy(folder / "watch.sock", "get weight web/canary").split()[0])


def _over(receiver: Receiver) -> bool:
    return bool(receiver.rollout(ROLLOUT)["attempt"]["state"] == "rolled-back")


def _many_times(path: Path) -> Any:
    playbook = json.loads(path.read_text())
    playbook["budget_per_day"] = 1_000_000
    for action in playbook["actions"]:
        action["proof"] = None
    path.write_text(json.dumps(playbook))
    return playbook


def _webhook(playbook: Any) -> bytes:
    """What Alertmanager posts when the critical tier of the first guardrail fires."""
    guardrail = playbook["guardrails"][0]
    tier = next(tier for tier in guardrail["tiers"] if tier["action"] == "rollback")
    labels = {
        "alertname": tier["alertname"],
        "rollout": playbook["rollout"],
        "service": playbook["service"],
        "environment": playbook["environment"],
        "guardrail": guardrail["name"],
        "tier": tier["tier"],
        "severity": tier["severity"],
        "action": tier["action"],
    }
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {},
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://127.0.0.1:9090/graph",
        "fingerprint": "c0ffee0123456789",
    }
    return json.dumps(
        {
            "version": "4",
            "groupKey": '{}/{action=~"rollback"}:{rollout="checkout"}',
            "truncatedAlerts": 0,
            "status": "firing",
            "receiver": "handrail",
            "groupLabels": {"rollout": playbook["rollout"]},
            "commonLabels": labels,
            "commonAnnotations": {},
            "externalURL": "http://127.0.0.1:9093",
            "alerts": [alert],
        }
    ).encode()
