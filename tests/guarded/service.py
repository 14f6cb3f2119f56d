"""A folder and a playbook → a real receiver before a real HAProxy, both gone when the block ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import servers
from handrail.contract import Playbook

from . import loop, warm
from .alerts import body
from .new_store import new_store
from .playbook import ENVIRONMENT, ROLLOUT, playbook, write_playbook

if TYPE_CHECKING:
    from .spy import Spy

TOKENS = {
    "alertmanager": "alertmanagers-own-token",
    "viewer": "a-viewers-own-token",
    "operator": "an-operators-own-token",
    "approver": "an-approvers-own-token",
}
# Its own HTTP client is not used: it reads all authorities at the start otherwise.
HAPROXY = """
global
  stats socket unix@haproxy.sock level admin
  httpclient.ssl.verify none
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
backend web
  server canary 127.0.0.1:9 weight 10
  server stable 127.0.0.1:9 weight 90
"""


@dataclass(frozen=True)
class Guarded:
    """A running receiver: where it is, and how to talk to it as each role."""

    folder: Path
    server: servers.Server
    env: Mapping[str, str]

    def ask(self, method: str, path: str, role: str = "operator", **options: Any) -> httpx.Response:
        """A call with the token of a role (`nobody`: without one)."""
        headers = {"authorization": f"Bearer {TOKENS[role]}"} if role in TOKENS else {}
        headers |= options.pop("headers", {})
        return httpx.request(
            method,
            f"{self.server.url}{path}",
            headers=headers,
            timeout=30,
            trust_env=False,
            **{"verify": servers.PLAIN, **options},
        )

    def deliver(
        self, content: bytes | None = None, role: str = "alertmanager", **options: Any
    ) -> httpx.Response:
        """Post a body to the webhook."""
        return self.ask(
            "POST", "/webhooks/alertmanager", role, content=body() if content is None else content, **options
        )

    def call(self, verb: str, **given: Any) -> dict[str, Any]:
        """An operator's call, and its answer."""
        answer: dict[str, Any] = self.ask("POST", f"/api/rollouts/{ROLLOUT}/{verb}", json=given).json()
        return answer

    def status(self) -> dict[str, Any]:
        """What the receiver says of the rollout."""
        found: dict[str, Any] = self.ask("GET", f"/api/rollouts/{ROLLOUT}", "viewer").json()
        return found

    def runs(self) -> list[tuple[str, str]]:
        """Action and state of every run of the newest attempt; none while the store cannot be reached."""
        answer = self.ask("GET", f"/api/rollouts/{ROLLOUT}", "viewer")
        if answer.status_code == 503:
            return []
        return [(run["action"], run["state"]) for run in answer.json()["runs"]]

    def metric(self, name: str) -> dict[str, float]:
        """The samples of a metric: labels as they are printed → value."""
        page = self.ask("GET", "/metrics", "viewer").text
        pairs = (
            line.rsplit(" ", 1) for line in page.splitlines() if line.startswith((f"{name}{{", f"{name} "))
        )
        return {series.removeprefix(name): float(value) for series, value in pairs}

    def weights(self) -> tuple[int, int]:
        """The weights HAProxy has now: canary, stable."""
        table = servers.haproxy_servers(self.folder / "haproxy.sock")
        return int(table["web/canary"]["weight"]), int(table["web/stable"]["weight"])

    def weights_of(self, spy: Spy) -> tuple[int, int]:
        """The same, asked beside a spy."""
        table = servers.haproxy_servers(spy.real)
        return int(table["web/canary"]["weight"]), int(table["web/stable"]["weight"])

    def until(self, action: str, state: str) -> None:
        """Wait until the newest run of an action is in a state."""
        servers.until(lambda: self._newest(action) == state, f"{action} to be {state}")

    def _newest(self, action: str) -> str | None:
        return next((state for name, state in reversed(self.runs()) if name == action), None)


def environment(folder: Path, address: str, **more: str) -> dict[str, str]:
    """The settings of a receiver in a folder."""
    tokens = folder / "tokens"
    tokens.write_text("".join(f"{role} {role}-1 {token}\n" for role, token in TOKENS.items()))
    settings = {
        "ADDRESS": address,
        "PLAYBOOKS": str(folder / "playbook"),
        "STORE": f"sqlite:{folder / 'handrail.db'}",
        "TOKENS_FILE": str(tokens),
        **more,
    }
    return {f"HANDRAIL_{name}": value for name, value in settings.items()}


@contextmanager
def guarded(
    folder: Path,
    book: Playbook | None = None,
    *,
    proxy: bool = True,
    under: Sequence[str] = (),
    measured: bool = False,
    **more: str,
) -> Iterator[Guarded]:
    """A receiver that guards `book`, before an HAProxy unless there is one already; `more` are settings.

    Without a `book` it is the usual one, of the environment that every alert names. `under` is a program that
    becomes the receiver in the end. One that is `measured` writes down the turns of its loop, see loop.py.
    """
    write_playbook(folder / "playbook", book or playbook(environment=ENVIRONMENT))
    store = folder / "handrail.db"
    if "STORE" not in more and not store.exists():
        new_store(store)
    env = environment(folder, servers.free_address(), **more)
    env |= {loop.MEASURED: "yes"} if measured else {}
    with ExitStack() as stack:
        if proxy:
            (folder / "haproxy.cfg").write_text(HAPROXY)
            stack.enter_context(servers.haproxy(folder, folder / "haproxy.cfg"))
        at = env["HANDRAIL_ADDRESS"]
        begun = servers.receiver(folder, address=at, env=env, under=under) if under else None
        server = stack.enter_context(begun or warm.receiver(folder, address=at, env=env))
        yield Guarded(folder, server, env)
