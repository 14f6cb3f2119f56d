"""The demo's folder → the whole stack, running: two copies of the application, HAProxy, the receiver,
Alertmanager and Prometheus.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import servers

from .files import HANDRAIL, Addresses, Files

TESTS = Path(__file__).parents[2]


@dataclass(frozen=True)
class Programs:
    """Which binaries run: Debian's by their names, others by their paths."""

    prometheus: str = "prometheus"
    alertmanager: str = "prometheus-alertmanager"
    haproxy: str = "haproxy"
    handrail: str = str(HANDRAIL)

    def check(self) -> None:
        """Raise `servers.Missing` unless all of them are there."""
        for name in (self.prometheus, self.alertmanager, self.haproxy, self.handrail):
            servers.program(name)


@contextmanager
def running(files: Files, at: Addresses, programs: Programs) -> Iterator[None]:
    """Start everything in the order in which each needs the one before; end it in the other."""
    folder, generated = files.folder, files.generated
    with ExitStack() as started:
        for track, address in (("stable", at.stable), ("canary", at.canary)):
            started.enter_context(arm(folder, track, address))
        started.enter_context(balancer(files, at, programs.haproxy))
        started.enter_context(servers.receiver(folder, address=at.receiver, env=settings(files, at)))
        started.enter_context(
            servers.alertmanager(
                folder,
                generated / "alertmanager/alertmanager.yml",
                address=at.alertmanager,
                binary=programs.alertmanager,
            )
        )
        started.enter_context(
            servers.prometheus(
                folder,
                generated / "prometheus/prometheus.yml",
                address=at.prometheus,
                binary=programs.prometheus,
            )
        )
        yield


def arm(folder: Path, track: str, address: str) -> AbstractContextManager[servers.Server]:
    """One copy of the application."""
    env = {"TRACK": track, "ADDRESS": address, "PYTHONPATH": str(TESTS)}
    return servers.application(folder, "end_to_end.demo.app", name=track, address=address, env=env)


def balancer(files: Files, at: Addresses, binary: str = "haproxy") -> AbstractContextManager[servers.Server]:
    """HAProxy before the two copies, with all orders on stable."""
    env = {"SHOP": at.shop, "STABLE": at.stable, "CANARY": at.canary}
    return servers.haproxy(
        files.folder, files.folder / "haproxy.cfg", address=at.shop, binary=binary, env=env
    )


def settings(files: Files, at: Addresses) -> dict[str, str]:
    """The receiver's settings."""
    return {
        "HANDRAIL_ADDRESS": at.receiver,
        "HANDRAIL_PLAYBOOKS": "generated/playbook",
        "HANDRAIL_STORE": "sqlite:handrail.db",
        "HANDRAIL_TOKENS_FILE": str(files.tokens),
        "HANDRAIL_SIGNING_KEY": str(files.key),
        "HANDRAIL_PUBLIC_URL": f"http://{at.receiver}",
        "HANDRAIL_PROMETHEUS": f"http://{at.prometheus}",
        "HANDRAIL_ALERTMANAGERS": f"http://{at.alertmanager}",
    }
