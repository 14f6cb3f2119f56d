"""A rollout and what runs around it → its whole stack, and a person who leads it from stage to stage."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import servers
from apis.serving import Api, Request
from guarded import warm
from handrail.contract import names
from handrail.declare import Environment
from starlette.responses import JSONResponse, Response
from typed import typed

from end_to_end.demo.files import Addresses, Files, write_key, write_tokens
from end_to_end.demo.stack import settings

from .cast import Cast, Played
from .compiled import write

QUIET = f'alertstate="firing",guardrail!~"{names.HEARTBEAT}|{names.RECEIVER_GUARDRAIL}"'


class NotSeen(Exception):
    """Something was waited for and did not come; the message says how far it was."""


class Everybody(Api):
    """Slack, PagerDuty, tickets and the status page: all accept the same answer."""

    def answer(self, request: Request) -> Response:
        return JSONResponse(
            {"ok": True, "channel": "C1", "ts": "1.0", "status": "success", "path": request.path}, 202
        )


@dataclass(frozen=True)
class Life:
    """A running stack, and those who have a token for it."""

    played: Played
    cast: Cast
    files: Files
    at: Addresses

    def call(self, method: str, path: str, role: str = "operator", body: object = None) -> Any:
        """What the receiver's API answers to somebody with this role, whether yes or no."""
        answer = httpx.request(
            method,
            f"http://{self.at.receiver}/api/rollouts/{self.played.name}{path}",
            headers={"Authorization": f"Bearer {self.files.token(role).read_text()}"},
            json=body,
            timeout=60,
            trust_env=False,
            verify=servers.PLAIN,
        )
        return answer.json()

    def told(self) -> Any:
        """Where the rollout stands."""
        return self.call("GET", "")

    def query(self, query: str) -> list[Any]:
        """What Prometheus says now."""
        url = f"http://{self.at.prometheus}/api/v1/query"
        asked = httpx.get(url, params={"query": query}, trust_env=False, verify=servers.PLAIN, timeout=10)
        return list(asked.raise_for_status().json()["data"]["result"])

    def firing(self, since: float) -> set[str]:
        """The alerts that fired since then, the heartbeat aside."""
        ago = f"[{round(1000 * (time.monotonic() - since))}ms]"
        found = self.query(f"max by (alertname) (max_over_time(ALERTS{{{QUIET}}}{ago}))")
        return {one["metric"]["alertname"] for one in found}

    def start(self, artifact: str) -> None:
        """Begin an attempt as soon as the receiver lets it begin; the questions before it are answered."""

        def begun() -> bool:
            self._answer()
            said.append(self.call("POST", "/start", body={"artifact": artifact}))
            return bool(said[-1].get("verdict") == "act")

        if self.played.known:
            filled = "count(up offset 6s) == count(up)"
            self._until(
                lambda: bool(self.query(filled)), "a whole window of samples", lambda: self.query("up")
            )
        said: list[Any] = [None]
        self._until(begun, "the start", lambda: said[-1])

    def guards(self) -> None:
        """Wait until it has begun by itself, and sees: without stages nobody starts it."""

        def sees() -> bool:
            fires = self.query(f"count(ALERTS{{{QUIET}}})")
            return self.told()["attempt"] is not None and not fires and bool(self.query("up offset 6s"))

        self._until(sees, "an attempt that begins by itself", self.told)

    def lead(self, to: str) -> None:
        """Answer and approve what the gate into `to` asks for, and promote once it is open."""

        def there() -> bool:
            if not self._answer():
                return False
            said.append(self.call("POST", "/promote", body={"to": to}))
            return bool(said[-1].get("verdict") == "act")

        said: list[Any] = [None]
        self._until(there, f"stage {to}", lambda: [said[-1], self.told()["gate"]], every=0.8)

    def ended(self, state: str) -> None:
        """Wait until the attempt is over."""
        self._until(lambda: self.told()["attempt"]["state"] == state, state, lambda: self.told()["attempt"])

    def _answer(self) -> bool:
        """Answer each question with yes, and approve as another person once nothing else is missing.

        Gives whether answers and approvals are all that is missing.
        """
        gate = self.told()["gate"] or {"asks": []}
        missing = [ask for ask in gate["asks"] if not ask["met"]]
        for ask in missing:
            if ask["kind"] == "check":
                self.call("POST", "/check", body={"item": ask["name"], "passed": True, "why": "I looked"})
        if missing and all(ask["kind"] == "approval" for ask in missing):
            for ask in missing:
                asked = {"role": ask["name"], "seen": gate["digest"]}
                self.call("POST", "/approve", role="approver", body=asked)
        return all(ask["kind"] in {"check", "approval"} for ask in missing)

    def _until(self, condition: Any, what: str, seen: Any, every: float = 0.4) -> None:
        try:
            servers.until(condition, what, every=every)
        except TimeoutError as error:
            raise NotSeen(f"{error}; last seen: {json.dumps(seen(), indent=1)}") from error

    def bundle(self, attempt: int) -> str:
        """What `handrail verify` says of the bundle, once nothing is missing in it."""
        folder = self.files.folder / f"bundle-{attempt}"
        made: Any = {}

        def whole() -> bool:
            nonlocal made
            made = self.call("GET", f"/bundle?attempt={attempt}", role="viewer")
            return bool(made.get("complete"))

        self._until(whole, "a bundle with nothing missing", lambda: made.get("missing", made))
        for name, text in made["files"].items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        done = typed("verify", folder, "--key", self.files.public_key)
        assert done.returncode == 0, done.stdout + done.stderr
        verified: str = done.stdout.splitlines()[-1]
        return verified


@contextmanager
def living(played: Played, folder: Path) -> Iterator[Life]:
    """The whole stack of a rollout, with real Prometheus, Alertmanager and receiver."""
    files, at = Files(folder), Addresses()
    write_tokens(files)
    write_key(files)
    with ExitStack() as started:
        told = started.enter_context(Everybody())
        cast = started.enter_context(played.runs(folder))
        places = {
            "https://slack.com": told.url,
            "https://events.pagerduty.com": told.url,
            **cast.places,
        }
        here = Environment(
            "rehearsal",
            receiver=f"http://{at.receiver}",
            token_file=str(files.token("alertmanager")),
            viewer_token_file=str(files.token("viewer")),
            alertmanagers=[at.alertmanager],
            scrape=cast.scrape,
            services=cast.services,
            faster=played.faster,
        )
        write(files.generated, played.name, here, played.stages, places)
        env = {**settings(files, at), **_secrets(cast.secrets)}
        if cast.path:
            env["PATH"] = f"{cast.path}:/usr/sbin:/usr/bin:/bin"
        started.enter_context(cast.exporters(files.generated))
        started.enter_context(warm.receiver(folder, address=at.receiver, env=env))
        config = files.generated / "alertmanager/alertmanager.yml"
        started.enter_context(servers.alertmanager(folder, config, address=at.alertmanager))
        if cast.past:
            cast.past()
        config = files.generated / "prometheus/prometheus.yml"
        started.enter_context(servers.prometheus(folder, config, address=at.prometheus))
        yield Life(played, cast, files, at)


def _secrets(given: Mapping[str, str]) -> dict[str, str]:
    return {f"HANDRAIL_SECRET_{name}": text for name, text in given.items()}
