"""A version and a configuration → a real Alertmanager, alone or in a cluster, and what a person does with it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import servers
from servers.newer import newer

from .alerts import labels
from .service import TOKENS

VERSIONS = ("0.25", "0.33")
# Routes everything to us, and has no way to get there.
NOBODY: dict[str, Any] = {"route": {"receiver": "handrail"}, "receivers": [{"name": "handrail"}]}


def program(version: str) -> Path | str:
    """The program of a version: Debian's, or the one that `make tools` unpacks."""
    return "prometheus-alertmanager" if version == "0.25" else newer("prometheus-alertmanager")


@dataclass(frozen=True)
class Alertmanager:
    """A running Alertmanager: what Prometheus, a person and a monitoring system would ask of it."""

    server: servers.Server
    file: Path

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.server.url

    def say(
        self, *, firing: bool, guardrail: str = "error-rate", tier: str = "critical", **more: str
    ) -> None:
        """Say that an alert of `shop` fires, or has stopped."""
        self.take(alert(firing=firing, guardrail=guardrail, tier=tier, **more))

    def take(self, *alerts: Mapping[str, Any]) -> None:
        """Take alerts as Prometheus would send them, all at once."""
        httpx.post(
            f"{self.url}/api/v2/alerts", json=alerts, trust_env=False, verify=servers.PLAIN
        ).raise_for_status()

    def silence(self, **patterns: str) -> str:
        """Alice silences alerts for an hour; the silence's id."""
        now = datetime.now(UTC)
        body = {
            "matchers": [
                {"name": name, "value": value, "isRegex": True, "isEqual": True}
                for name, value in patterns.items()
            ],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "alice",
            "comment": "known, see the notes",
        }
        answer = httpx.post(f"{self.url}/api/v2/silences", json=body, trust_env=False, verify=servers.PLAIN)
        return str(answer.raise_for_status().json()["silenceID"])

    def end_silence(self, number: str) -> None:
        """End a silence before its time."""
        httpx.delete(
            f"{self.url}/api/v2/silence/{number}", trust_env=False, verify=servers.PLAIN
        ).raise_for_status()

    def reload(self, config: Mapping[str, Any]) -> None:
        """Give it another configuration."""
        self.file.write_text(json.dumps(config))
        httpx.post(f"{self.url}/-/reload", trust_env=False, verify=servers.PLAIN).raise_for_status()

    def count(self, metric: str, **known: str) -> float:
        """The sum of a metric's samples of the webhook integration that have these labels."""
        wanted = {"integration": "webhook", **known}
        page = httpx.get(f"{self.url}/metrics", trust_env=False, verify=servers.PLAIN).text
        rows = [line for line in page.splitlines() if line.startswith(f"{metric}{{")]
        return sum(
            float(row.rsplit(" ", 1)[1])
            for row in rows
            if all(f'{name}="{value}"' in row for name, value in wanted.items())
        )

    def settled(self, peers: int) -> bool:
        """Whether it has found all of its cluster."""
        cluster = httpx.get(f"{self.url}/api/v2/status", trust_env=False, verify=servers.PLAIN).json()[
            "cluster"
        ]
        return cluster["status"] == "ready" and len(cluster["peers"]) == peers


def alert(
    *, firing: bool, guardrail: str = "error-rate", tier: str = "critical", **more: str
) -> dict[str, Any]:
    """An alert of `shop` as Prometheus sends it."""
    now = datetime.now(UTC)
    return {
        "labels": labels(guardrail, tier, **more),
        "annotations": {"summary": "bad"},
        "startsAt": (now if firing else now - timedelta(seconds=2)).isoformat(),
        **({} if firing else {"endsAt": (now - timedelta(milliseconds=1)).isoformat()}),
    }


def sends_to(*urls: str, webhook: Mapping[str, Any] | None = None, **route: Any) -> dict[str, Any]:
    """A configuration that sends everything to each of the URLs; `route` and `webhook` have the last word."""
    hook = {
        "send_resolved": True,
        "http_config": {
            "follow_redirects": False,
            "authorization": {"type": "Bearer", "credentials": TOKENS["alertmanager"]},
        },
        **(webhook or {}),
    }
    pace = {"group_by": ["rollout"], "group_wait": "0s", "group_interval": "1s", "repeat_interval": "2s"}
    return {
        "route": {"receiver": "handrail", **pace, **route},
        "receivers": [{"name": "handrail", "webhook_configs": [{**hook, "url": url} for url in urls]}],
    }


@contextmanager
def alertmanager(
    folder: Path, version: str, config: Mapping[str, Any], address: str | None = None
) -> Iterator[Alertmanager]:
    """One Alertmanager, alone."""
    path = _written(folder, "alertmanager", config)
    with servers.alertmanager(folder, path, address=address, binary=program(version)) as server:
        yield Alertmanager(server, path)


@contextmanager
def cluster(
    folder: Path,
    config: Mapping[str, Any],
    versions: Sequence[str] = VERSIONS,
    peer_timeout: str = "1s",
    addresses: Sequence[str] = (),
) -> Iterator[list[Alertmanager]]:
    """A cluster with one peer of each version, as in the middle of an upgrade; they have found each other.

    Each calls itself http://am-0, http://am-1, … in what it sends.
    """
    path, gossip = _written(folder, "alertmanager", config), [servers.free_address() for _ in versions]
    with ExitStack() as stack:
        peers = []
        for number, version in enumerate(versions):
            flags = [
                f"--web.external-url=http://am-{number}",
                f"--cluster.listen-address={gossip[number]}",
                *[f"--cluster.peer={address}" for address in gossip if address != gossip[number]],
                "--cluster.settle-timeout=1s",
                "--cluster.gossip-interval=50ms",
                "--cluster.pushpull-interval=1s",
                f"--cluster.peer-timeout={peer_timeout}",
            ]
            server = servers.alertmanager(
                folder,
                path,
                address=addresses[number] if addresses else None,
                binary=program(version),
                flags=flags,
                name=f"alertmanager-{number}",
            )
            peers.append(Alertmanager(stack.enter_context(server), path))
        servers.until(lambda: all(peer.settled(len(peers)) for peer in peers), "the cluster")
        yield peers


def asked(folder: Path) -> None:
    """Wait until the receiver of a folder has written down that it asked everybody."""
    now = datetime.now(UTC).timestamp()

    def last() -> float:
        with closing(sqlite3.connect(folder / "handrail.db")) as store:
            row = store.execute("SELECT at FROM memory WHERE name = 'asked'").fetchone()
            return float(row[0]) if row else 0.0

    servers.until(lambda: last() > now, "the receiver to have asked")


def _written(folder: Path, name: str, config: Mapping[str, Any]) -> Path:
    path = folder / f"{name}.yml"
    path.write_text(json.dumps(config))
    return path
