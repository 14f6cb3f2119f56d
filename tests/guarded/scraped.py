"""Metrics that a test sets → a real Prometheus that scrapes them all the time, with rules of `shop`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import servers

RULES = """
groups:
- name: shop
  interval: 250ms
  rules:
  - alert: ShopErrorRateCritical
    expr: bad == 1
    labels:
      rollout: shop
      service: shop
      environment: production
      guardrail: error-rate
      tier: critical
      severity: critical
      action: rollback
"""


@dataclass
class Application:
    """Metrics that a test sets, and Prometheus that scrapes them four times a second."""

    url: str
    values: dict[str, float]

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        return {one["metric"]["alertname"] for one in samples(self.url, 'ALERTS{alertstate="firing"}')}


@contextmanager
def scraped(folder: Path, **values: float) -> Iterator[Application]:
    """A Prometheus that knows `values`, each a metric of that name, and tells nobody."""
    with watched(folder, values) as application:
        yield application


@contextmanager
def watched(
    folder: Path,
    values: Mapping[str, float],
    alertmanagers: Sequence[str] = (),
    rules: str = RULES,
    remote_read: Sequence[str] = (),
    binary: str | Path = "prometheus",
) -> Iterator[Application]:
    """A Prometheus that knows `values`, and tells `alertmanagers` (`host:port`) what fires by `rules`.

    It reads from other stores as well, at the addresses `remote_read`.
    """
    application = Application("", dict(values))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(
                "".join(f"{name} {value}\n" for name, value in application.values.items()).encode()
            )

        def log_message(self, *_: object) -> None:
            return

    with ExitStack() as stack:
        web = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        Thread(target=web.serve_forever, daemon=True).start()
        stack.callback(web.shutdown)
        config = _write(folder, rules, f"127.0.0.1:{web.server_port}", alertmanagers, remote_read)
        flags = ["--rules.alert.resend-delay=1s"]
        server = stack.enter_context(servers.prometheus(folder, config, binary=binary, flags=flags))
        application.url = server.url
        servers.until(lambda: bool(samples(server.url, next(iter(values)))), "the first scrape")
        servers.until(lambda: _told(server.url) == len(alertmanagers), "Prometheus to know whom to tell")
        yield application


def samples(url: str, expr: str) -> list[Any]:
    """What an expression gives now."""
    answer = httpx.get(
        f"{url}/api/v1/query", params={"query": expr}, trust_env=False, verify=servers.PLAIN
    ).json()
    found: list[Any] = answer["data"]["result"]
    return found


def _told(url: str) -> int:
    """How many Alertmanagers Prometheus knows: what fired before it does is told a resend later."""
    answer = httpx.get(f"{url}/api/v1/alertmanagers", trust_env=False, verify=servers.PLAIN).json()
    return len(answer["data"]["activeAlertmanagers"])


def _write(
    folder: Path, rules: str, target: str, alertmanagers: Sequence[str], remote_read: Sequence[str]
) -> Path:
    (folder / "rules.yml").write_text(rules)
    config = {
        "global": {
            "scrape_interval": "250ms",
            "scrape_timeout": "250ms",
            "evaluation_interval": "250ms",
            "external_labels": {"cluster": "eu"},
        },
        "rule_files": [str(folder / "rules.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]},
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [target]}]}],
        "remote_read": [{"url": url, "read_recent": True} for url in remote_read],
    }
    path = folder / "prometheus.yml"
    path.write_text(json.dumps(config))
    return path
