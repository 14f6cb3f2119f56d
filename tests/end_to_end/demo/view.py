"""The running stack → a Snapshot: what HAProxy, the application, Prometheus and the receiver say right now.

Nothing here is the receiver's word alone: weights come from HAProxy, requests from the application itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from handrail.contract import names
from prometheus_client.parser import text_string_to_metric_families
from servers import haproxy_servers

ROLLOUT = "checkout"
ORDERS = "sum by (track) (rate(http_requests_total[10s]))"
BAD_ORDERS = 'sum by (track) (rate(http_requests_total{status=~"5.."}[10s]))'
ERRORS = f"({BAD_ORDERS} or {ORDERS} * 0) / ({ORDERS} > 0)"
RANK = {"pending": 1, "firing": 2}


@dataclass(frozen=True)
class Arm:
    """One version: what HAProxy gives it, requests by its own count, error ratio in Prometheus (None: unknown)."""

    name: str
    weight: int
    share: float
    given: int
    requests: int
    errors: float | None


@dataclass(frozen=True)
class Alert:
    """An alert of the rollout as Prometheus holds it; `since` is when its expression became true."""

    name: str
    state: str
    action: str
    since: datetime


@dataclass(frozen=True)
class Snapshot:
    """All of it at one time (when HAProxy was asked); `stage` is None when the receiver says that no attempt is active."""

    at: datetime
    canary: Arm
    stable: Arm
    stage: str | None
    alerts: tuple[Alert, ...]

    def acting(self, state: str) -> Alert | None:
        """The first alert that asks for a rollback and is at least in this state."""
        found = [
            alert
            for alert in self.alerts
            if alert.action in names.ACTING and RANK[alert.state] >= RANK[state]
        ]
        return min(found, key=lambda alert: alert.since, default=None)


@dataclass(frozen=True)
class View:
    """Where to look."""

    haproxy: Path
    canary: str
    stable: str
    prometheus: str
    alertmanager: str
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=5, trust_env=False), repr=False)

    def look(self) -> Snapshot:
        """Look everywhere now."""
        at, found = datetime.now(UTC), haproxy_servers(self.haproxy)
        rows = {name: found[f"web/{name}"] for name in ("canary", "stable")}
        errors = self.error_ratios()
        total = sum(int(row["weight"]) for row in rows.values()) or 1
        canary, stable = (
            Arm(
                name,
                weight=int(rows[name]["weight"]),
                share=int(rows[name]["weight"]) / total,
                given=int(rows[name]["stot"]),
                requests=self.requests(url),
                errors=errors.get(name),
            )
            for name, url in (("canary", self.canary), ("stable", self.stable))
        )
        return Snapshot(at, canary, stable, self.stage(), self.alerts())

    def requests(self, url: str) -> int:
        """The orders one copy of the application has answered, by its own counter."""
        text = self.client.get(f"{url}/metrics").raise_for_status().text
        return int(
            sum(
                sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
                if sample.name == "http_requests_total"
            )
        )

    def error_ratios(self) -> dict[str, float]:
        """Arm → the share of its orders that failed lately; an arm without orders is missing: unknown."""
        return {sample["metric"]["track"]: float(sample["value"][1]) for sample in self.query(ERRORS)}

    def stage(self) -> str | None:
        """The stage the receiver says the rollout is in, by the metric that rules read."""
        found = self.query(f'{names.STAGE_METRIC}{{rollout="{ROLLOUT}"}} == 1')
        return found[0]["metric"]["stage"] if found else None

    def alerts(self) -> tuple[Alert, ...]:
        """The rollout's alerts that are pending or firing."""
        answer = self.client.get(f"{self.prometheus}/api/v1/alerts").raise_for_status().json()
        return tuple(
            Alert(
                alert["labels"]["alertname"],
                alert["state"],
                alert["labels"].get(names.ACTION, ""),
                instant(alert["activeAt"]),
            )
            for alert in answer["data"]["alerts"]
            if alert["labels"].get(names.ROLLOUT) == ROLLOUT
            and alert["labels"]["alertname"] != names.HEARTBEAT_ALERT
        )

    def fired_at(self, alert: Alert) -> datetime | None:
        """Since when Alertmanager holds the alert as firing; None while it does not know of it."""
        url, only = f"{self.alertmanager}/api/v2/alerts", {"filter": f'alertname="{alert.name}"'}
        found = self.client.get(url, params=only).raise_for_status().json()
        return instant(found[0]["startsAt"]) if found else None

    def query(self, query: str) -> list[Any]:
        """The samples an instant query gives now."""
        answer = self.client.get(f"{self.prometheus}/api/v1/query", params={"query": query})
        return list(answer.raise_for_status().json()["data"]["result"])


def instant(text: str) -> datetime:
    """Prometheus' and Alertmanager's time, which has more digits than a microsecond."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
