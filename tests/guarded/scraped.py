"""Metrics that a test sets → a real Prometheus that scrapes them every second, with one rule of `shop`."""

from __future__ import annotations

from collections.abc import Iterator
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
  interval: 1s
  rules:
  - alert: ShopErrorRateCritical
    expr: bad == 1
    labels: {rollout: shop, service: shop, guardrail: error-rate, tier: critical, severity: critical, action: rollback}
"""


@dataclass
class Application:
    """Metrics that a test sets, and Prometheus that scrapes them every second."""

    url: str
    values: dict[str, float]


@contextmanager
def scraped(folder: Path, **values: float) -> Iterator[Application]:
    """A Prometheus that knows `values`, each a metric of that name."""
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
        (folder / "rules.yml").write_text(RULES)
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: [{folder / 'rules.yml'}]\n"
            "scrape_configs: [{job_name: shop, static_configs: [{targets: ['127.0.0.1:%d']}]}]\n"
            % web.server_port
        )
        server = stack.enter_context(servers.prometheus(folder, folder / "prometheus.yml"))
        application.url = server.url
        servers.until(lambda: bool(samples(server.url, next(iter(values)))), "the first scrape")
        yield application


def samples(url: str, expr: str) -> list[Any]:
    """What an expression gives now."""
    answer = httpx.get(f"{url}/api/v1/query", params={"query": expr}, trust_env=False).json()
    found: list[Any] = answer["data"]["result"]
    return found
