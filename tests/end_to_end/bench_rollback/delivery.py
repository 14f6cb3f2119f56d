"""Breach → webhook: how long Prometheus and Alertmanager take to tell us, with the routes Handrail generates.

The guardrail fires at once, and both scraping and evaluation happen every second: the floor, to which a
declaration adds its own `sustained`. The webhook's end is a socket of ours that notes when the first byte arrives.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import httpx
import servers

from end_to_end.demo import stack
from end_to_end.demo.files import Files, generate
from end_to_end.demo.load import load

PER_SECOND = 50
SOURCE = '''"""One guardrail that fires at once."""

from handrail.declare import Above, Command, Critical, Environment, Guardrail, Ratio, Rollout, Runbook

bench = Rollout(
    "bench",
    "shop",
    scrape="1s",
    evaluate="1s",
    guardrails=[
        Guardrail(
            "errors",
            Ratio("http_requests_total", bad='http_requests_total{{status=~"5.."}}', window="4s", min_events=10),
            tiers=[Critical(Above("1%"), action="rollback", keep_firing_for="1s")],
            runbook=Runbook("Nobody is hurt: this is a measurement."),
        )
    ],
    rollback=[Command(["true"], ["true"])],
)
'''
ENVIRONMENT = '''"""On loopback."""

from handrail.declare import Environment, Targets

bench = Environment(
    "bench",
    receiver="http://{sink}",
    token_file="{token}",
    viewer_token_file="{token}",
    alertmanagers=["{alertmanager}"],
    scrape=[Targets("shop", ["{shop}"])],
)
'''


def measure(folder: Path, runs: int) -> Iterator[float]:
    """Seconds from the moment the application begins to fail to the webhook, for each run.

    Each run has an Alertmanager of its own: one that told of the alert a moment ago would tell again only
    with its next group_interval.
    """
    shop, alertmanager, prometheus = (servers.free_address() for _ in range(3))
    with _sink() as (sink, arrivals):
        files = _files(folder, shop=shop, alertmanager=alertmanager, sink=sink)
        routes = files.generated / "alertmanager/alertmanager.yml"
        with (
            stack.arm(folder, "canary", shop) as application,
            servers.prometheus(
                folder,
                files.generated / "prometheus/prometheus.yml",
                address=prometheus,
                flags=["--rules.alert.resend-delay=1h"],  # nothing old is told to the next run's Alertmanager
            ),
            load(f"{application.url}/orders", per_second=PER_SECOND, seconds=60.0 * runs),
        ):
            for run in range(runs):
                with servers.alertmanager(folder, routes, address=alertmanager, name=f"alertmanager-{run}"):
                    _wait_until_well(prometheus)
                    time.sleep(random.uniform(1, 2))  # a breach comes at any time between two evaluations
                    began = time.time()
                    _fault(application.url, errors=1)
                    yield arrivals.get(timeout=60) - began
                    _fault(application.url, errors=0)
                    _wait_until_well(prometheus)


def _files(folder: Path, **addresses: str) -> Files:
    files = Files(folder)
    (files.source / "rollouts").mkdir(parents=True)
    (files.source / "rollouts/bench.py").write_text(SOURCE.format())
    token = folder / "token"
    token.write_text("nobody-checks-it-here")
    (files.source / "environments.py").write_text(ENVIRONMENT.format(token=token, **addresses))
    generate(files)
    return files


@contextmanager
def _sink() -> Iterator[tuple[str, Queue[float]]]:
    """A webhook's end that notes when the guardrail's alert arrives, firing."""
    arrivals: Queue[float] = Queue()

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived = time.time()
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            firing = {alert["labels"]["guardrail"] for alert in body["alerts"] if alert["status"] == "firing"}
            if "errors" in firing:
                arrivals.put(arrived)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's word
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", arrivals
        finally:
            server.shutdown()
            thread.join()


def _fault(url: str, *, errors: float) -> None:
    httpx.put(f"{url}/fault", json={"errors": errors}, timeout=5, trust_env=False).raise_for_status()


def _wait_until_well(prometheus: str) -> None:
    """Wait until the rule is evaluated with enough traffic, and says that all is well."""
    query = {
        "query": 'handrail:guardrail:value{rollout="bench"} == 0 unless on () ALERTS{guardrail="errors"}'
    }
    url = f"http://{prometheus}/api/v1/query"
    servers.until(
        lambda: bool(httpx.get(url, params=query, trust_env=False).json()["data"]["result"]),
        "the guardrail to be well",
        within=60,
        every=0.3,
    )
