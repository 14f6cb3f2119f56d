"""Prometheus, two Alertmanagers, HAProxy and three rollouts → what an outage of their receiver does to them.

Every pace is production's, as the compiler writes it, shortened: `minute` seconds stand for a minute.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import servers
from handrail.contract import HAProxyWeight, Playbook, StageFacts, names

from .alertmanagers import Alertmanager, cluster, sends_to
from .playbook import ENVIRONMENT, SOCKET, playbook, write_playbook
from .scraped import Application, watched
from .service import Guarded, guarded
from .spy import Spy, spied

LASTS, PASSES, KEPT = "lasts", "passes", "kept"
ROLLOUTS = (LASTS, PASSES, KEPT)
SHORTEST = 0.05


@dataclass
class World:
    """Everything but the receiver, which comes and goes."""

    folder: Path
    minute: float
    address: str
    spy: Spy
    application: Application
    peers: list[Alertmanager]

    @contextmanager
    def receiver(self) -> Iterator[Guarded]:
        """The receiver, for as long as the block lasts."""
        settings: dict[str, Any] = {
            "ADDRESS": self.address,
            "PROMETHEUS": self.application.url,
            "ALERTMANAGERS": ",".join(peer.url for peer in self.peers),
            "ASK_EVERY": str(self.minute),
            "HEARTBEAT_WITHIN": str(max(3.0, 5 * self.minute)),
        }
        with guarded(self.folder, proxy=False, **settings) as shop:
            yield shop

    def effects(self, rollout: str) -> list[str]:
        """What changed the weights of a rollout, in order."""
        return [command for command in self.spy.sets() if f" {rollout}/" in command]

    def deliveries(self, rollout: str) -> dict[str, set[str]]:
        """Who said what of a rollout, of all that is on disk: `asked` or `alertmanager-1` → statuses."""
        found: dict[str, set[str]] = {}
        for source, body in self._kept("SELECT source, body FROM inbox"):
            for alert in json.loads(body)["alerts"]:
                if alert["labels"].get(names.ROLLOUT) == rollout:
                    found.setdefault(source, set()).add(alert["status"])
        return found

    def heartbeats(self) -> int:
        """How many heartbeats are on disk."""
        name = names.HEARTBEAT_ALERT.encode()
        return sum(name in bytes(body) for _, body in self._kept("SELECT source, body FROM inbox"))

    def undecided(self) -> int:
        """How many deliveries nobody has decided on."""
        return len(self._kept("SELECT source, body FROM inbox WHERE result IS NULL"))

    def _kept(self, query: str) -> list[tuple[str, bytes]]:
        with closing(sqlite3.connect(self.folder / "handrail.db")) as store:
            return store.execute(query).fetchall()


@contextmanager
def world(folder: Path, minute: float, outage: float) -> Iterator[World]:
    """All of it; `kept` keeps its alert up for much longer than an outage of so many minutes."""
    address, alerting = servers.free_address(), [servers.free_address() for _ in range(2)]
    for rollout in ROLLOUTS:
        write_playbook(folder / "playbook", _playbook(rollout))
    with ExitStack() as stack:
        spy = stack.enter_context(spied(folder, _haproxy()))
        config = _routes(f"http://{address}/webhooks/alertmanager", minute)
        peers = stack.enter_context(cluster(folder, config, peer_timeout="200ms", addresses=alerting))
        values = dict.fromkeys(ROLLOUTS, 0.0)
        rules = _rules(minute, outage)
        application = stack.enter_context(watched(folder, values, alerting, rules))
        yield World(folder, minute, address, spy, application, peers)


def _playbook(rollout: str) -> Playbook:
    def weights(canary: int, stable: int) -> tuple[HAProxyWeight, ...]:
        return (
            HAProxyWeight(f"{rollout}/canary", canary, [SOCKET]),
            HAProxyWeight(f"{rollout}/stable", stable, [SOCKET]),
        )

    stages = (
        StageFacts(name="10%", weight=0.1, bake=0, enter=weights(10, 90)),
        StageFacts(name="50%", weight=0.5, bake=0, enter=weights(50, 50)),
    )
    return playbook(steps=weights(0, 100), rollout=rollout, service=rollout, stages=stages)


def _haproxy() -> str:
    backends = "".join(
        f"backend {rollout}\n  server canary 127.0.0.1:9 weight 10\n  server stable 127.0.0.1:9 weight 90\n"
        for rollout in ROLLOUTS
    )
    start = "global\n  stats socket unix@haproxy.sock level admin\n  httpclient.ssl.verify none\ndefaults\n  mode http\n"
    times = "  timeout connect 1s\n  timeout client 5s\n  timeout server 5s\n"
    return start + times + backends


def _routes(url: str, minute: float) -> dict[str, Any]:
    """The acting route and the heartbeat's, with the compiler's times."""
    config = sends_to(url)
    heartbeat = {
        "matchers": [f'alertname="{names.HEARTBEAT_ALERT}"'],
        "group_interval": _span(0.5 * minute),
        "repeat_interval": _span(0.5 * minute),
    }
    config["route"] |= {
        "group_by": ["rollout", "service", "guardrail", "action"],
        "group_interval": _span(0.25 * minute),
        "repeat_interval": _span(4 * minute),
        "routes": [heartbeat],
    }
    return config


def _rules(minute: float, outage: float) -> str:
    def rule(rollout: str, keep: float) -> Mapping[str, Any]:
        who = {"rollout": rollout, "service": rollout, "environment": ENVIRONMENT}
        what = {"guardrail": "error-rate", "tier": "critical", "severity": "critical", "action": "rollback"}
        return {
            "alert": f"{rollout.capitalize()}ErrorRateCritical",
            "expr": f"{rollout} == 1",
            "keep_firing_for": _span(keep * minute),
            "labels": {**who, **what},
        }

    beat = {"alert": names.HEARTBEAT_ALERT, "expr": "vector(1)"}
    rules = [rule(LASTS, 10), rule(PASSES, 10), rule(KEPT, 20 * outage), beat]
    return json.dumps({"groups": [{"name": "shop", "interval": "100ms", "rules": rules}]})


def _span(seconds: float) -> str:
    return f"{max(SHORTEST, seconds) * 1000:.0f}ms"
