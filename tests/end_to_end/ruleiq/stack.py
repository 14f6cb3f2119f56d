"""Addresses → ruleiq's whole stack, running on loopback: application, receiver, Alertmanager, Prometheus, Grafana, people.

The rollout is the one of rules_src, the files are what `handrail generate` makes of it, and the tokens are new each time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import servers

from end_to_end.demo import files as demo
from end_to_end.demo.files import REPOSITORY, Files, generate, write_tokens
from end_to_end.demo.stack import TESTS, Programs, settings

from .grafana import Grafana, grafana

UNLEASH = "https://unleash.example.com"
FLAGS = ("recommendations-v2", "bulk-import")
ROLLOUT = Path("rules_src/rollouts/ruleiq.py")
ENVIRONMENTS = '''"""Where the stack runs: on loopback."""

from handrail.declare import Environment, Targets

local = Environment(
    "local",
    receiver="http://{receiver}",
    token_file="{alertmanager_token}",
    viewer_token_file="{viewer_token}",
    prometheus="http://{prometheus}",
    alertmanagers=["{alertmanager}"],
    scrape=[Targets("ruleiq", ["{application}"]), Targets("ruleiq-node", ["{node}"])],
)
'''


@dataclass(frozen=True)
class Addresses(demo.Addresses):
    """Those of the demo's servers that are used here; `stable` is the application's, `node` that of node_exporter."""

    node: str = field(default_factory=servers.free_address)
    grafana: str = field(default_factory=servers.free_address)


def write(folder: Path, at: Addresses, unleash: str = UNLEASH) -> Files:
    """Declarations, tokens, and what the compiler makes of them; `unleash` is where the flags are switched."""
    files = Files(folder)
    (files.source / "rollouts").mkdir(parents=True)
    for path in (REPOSITORY / ROLLOUT, *(REPOSITORY / ROLLOUT).parent.glob("_ruleiq_*.py")):
        text = path.read_text(encoding="utf-8").replace(UNLEASH, unleash)
        (files.source / "rollouts" / path.name).write_text(text, encoding="utf-8")
    write_tokens(files)
    text = ENVIRONMENTS.format(
        receiver=at.receiver,
        alertmanager=at.alertmanager,
        application=at.stable,
        prometheus=at.prometheus,
        node=at.node,
        alertmanager_token=files.token("alertmanager"),
        viewer_token=files.token("viewer"),
    )
    (files.source / "environments.py").write_text(text)
    generate(files)
    return files


@contextmanager
def running(
    files: Files, at: Addresses, programs: Programs, per_second: float, token: str = ""
) -> Iterator[Grafana | None]:
    """Start everything in the order in which each needs the one before; end it in the other.

    Grafana only where it is installed. `token` is the one by which flags are switched: without it nothing is guarded.
    """
    folder, made = files.folder, files.generated
    own = {name: text for name, text in settings(files, at).items() if name != "HANDRAIL_SIGNING_KEY"}
    own["HANDRAIL_SECRET_UNLEASH_TOKEN"] = token
    asks = {"ADDRESS": at.stable, "PYTHONPATH": str(TESTS)}
    with ExitStack() as started:
        started.enter_context(
            servers.application(
                folder, "end_to_end.ruleiq.app", name="application", address=at.stable, env=asks
            )
        )
        started.enter_context(_node_exporter(folder, at.node))
        started.enter_context(servers.receiver(folder, address=at.receiver, env=own))
        started.enter_context(
            servers.alertmanager(
                folder,
                made / "alertmanager/alertmanager.yml",
                address=at.alertmanager,
                binary=programs.alertmanager,
            )
        )
        started.enter_context(
            servers.prometheus(
                folder, made / "prometheus/prometheus.yml", address=at.prometheus, binary=programs.prometheus
            )
        )
        started.enter_context(_traffic(f"http://{at.stable}", per_second))
        yield started.enter_context(grafana(folder, made, at.grafana))


def _node_exporter(folder: Path, address: str) -> AbstractContextManager[servers.Server]:
    """What the machine does: its disks are on the dashboard."""
    argv = [servers.program("prometheus-node-exporter"), f"--web.listen-address={address}"]
    return servers.running(
        "node_exporter",
        argv,
        folder=folder,
        address=address,
        ready=lambda: servers.answers(f"http://{address}/metrics"),
    )


@contextmanager
def _traffic(url: str, per_second: float) -> Iterator[None]:
    """People who make reports and sign in, so that there is something to see."""
    over = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=url, timeout=5, trust_env=False, verify=servers.PLAIN) as client:
            number = 0
            while not over.wait(1 / per_second):
                number += 1
                who = {
                    "x-user": f"user-{number % 20}",
                    "x-password": "wrong" if number % 50 == 0 else "correct",
                }
                path = "/login" if number % 10 == 0 else f"/reports/{number}"
                try:
                    client.post(path, headers=who)
                except httpx.TransportError:  # it shows in the metrics, or the application is ending
                    continue

    thread = threading.Thread(target=ask, name="traffic")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
