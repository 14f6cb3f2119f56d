"""Two releases of a service whose label says the version: the second changes no file, and is judged by its own version."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import servers
from guarded import warm
from guarded.scraped import samples
from typed import typed

from end_to_end.demo import files, stack
from end_to_end.demo.api import Receiver
from end_to_end.demo.load import load

DECLARED = 'Arms("track", canary="canary", stable="stable")'
APPROVED = ', gate=Gate(approvals=["release-manager"])'
pytestmark = [pytest.mark.timeout(240), pytest.mark.long]


@dataclass(frozen=True)
class Shop:
    """The stack of the demo, whose declaration leaves the versions open."""

    made: files.Files
    at: files.Addresses

    @property
    def receiver(self) -> Receiver:
        return Receiver(f"http://{self.at.receiver}", self.made.token("operator").read_text())

    def rollout(self, verb: str, *words: str) -> tuple[int, str]:
        """What the command says, as somebody types it."""
        env = {**os.environ, "HANDRAIL_TOKEN_FILE": str(self.made.token("operator"))}
        done = typed("rollout", verb, "checkout", f"--url=http://{self.at.receiver}", *words, env=env)
        return done.returncode, done.stdout + done.stderr

    def starts(self, canary: str, stable: str) -> None:
        """Start a release, as soon as Prometheus sees what it must."""
        words = ("start", f"--canary={canary}", f"--stable={stable}")
        servers.until(lambda: self.rollout(*words)[0] == 0, f"{canary} to start", within=60, every=3)

    def promotes(self, to: str) -> None:
        code, said = self.rollout("promote", f"--to={to}", "--anyway", "--why=it bakes elsewhere")
        assert code == 0, said

    def split(self) -> tuple[int, int]:
        """The weights in HAProxy of the canary and of stable."""
        rows = servers.haproxy_servers(self.made.folder / "watch.sock")
        return int(rows["web/canary"]["weight"]), int(rows["web/stable"]["weight"])

    def recorded(self, series: str) -> dict[str, str]:
        """The versions for which something is recorded now, by their arm."""
        found = samples(
            f"http://{self.at.prometheus}", f'{series}{{rollout="checkout",guardrail="error-rate"}}'
        )
        return {one["metric"]["arm"]: one["metric"]["track"] for one in found}

    def generated(self) -> dict[str, str]:
        """Every generated file, by its digest."""
        root = self.made.generated
        return {
            str(file.relative_to(root)): sha256(file.read_bytes()).hexdigest()
            for file in sorted(root.rglob("*"))
            if file.is_file()
        }

    @contextmanager
    def runs(self, canary: str, stable: str) -> Iterator[None]:
        """Both copies of the application, each of a version."""
        with (
            stack.arm(self.made.folder, stable, self.at.stable),
            stack.arm(self.made.folder, canary, self.at.canary),
        ):
            yield

    def fails(self) -> None:
        """From now on orders fail on the canary."""
        fault = {"errors": 0.4, "delay": 0}
        httpx.put(f"http://{self.at.canary}/fault", json=fault, timeout=5, trust_env=False).raise_for_status()

    def is_rolled_back(self) -> bool:
        """Whether all is proved: so many failures break the limits of two tiers, at once or one after the other."""
        said = self.attempt()
        states = {run["state"] for run in said["runs"] if "rollback" in run["action"]}
        return said["attempt"]["state"] == "rolled-back" and states <= {"proved", "superseded"}

    def attempt(self) -> dict[str, Any]:
        said: dict[str, Any] = self.receiver.rollout("checkout")
        return said


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Iterator[Shop]:
    at = files.Addresses()
    made = files.write(tmp_path, at)
    rollout = made.source / "rollouts/checkout.py"
    text = rollout.read_text()
    assert DECLARED in text
    rollout.write_text(text.replace(DECLARED, 'Arms("track")'))
    place = made.source / "environments.py"
    text = place.read_text()
    assert APPROVED in text
    place.write_text(text.replace(APPROVED, ""))
    files.generate(made)
    generated = made.generated
    with ExitStack() as started:
        started.enter_context(stack.balancer(made, at))
        started.enter_context(warm.receiver(tmp_path, address=at.receiver, env=stack.settings(made, at)))
        alertmanager, prometheus = "alertmanager/alertmanager.yml", "prometheus/prometheus.yml"
        started.enter_context(
            servers.alertmanager(tmp_path, generated / alertmanager, address=at.alertmanager)
        )
        started.enter_context(servers.prometheus(tmp_path, generated / prometheus, address=at.prometheus))
        yield Shop(made, at)


def test_the_next_release_changes_no_file_and_its_bad_version_is_rolled_back(shop: Shop) -> None:
    before = shop.generated()
    with load(f"http://{shop.at.shop}/orders", per_second=25, seconds=200):
        with shop.runs("v43", "v42"):
            shop.starts("v43", "v42")
            arms = {"canary": "v43", "stable": "v42"}
            servers.until(lambda: shop.recorded("handrail:guardrail:value") == arms, "both arms", within=60)
            splits = [shop.split()]
            for stage in ("50%", "100%", "complete"):
                shop.promotes(stage)
                splits.append(shop.split())
            assert splits == [(10, 90), (50, 50), (100, 0), (100, 0)]
        servers.until(lambda: shop.recorded("handrail:guardrail:arm") == {}, "no arms any more", within=30)

        with shop.runs("v44", "v43"):  # what the pipeline rolls out next
            shop.starts("v44", "v43")
            arms = {"canary": "v44", "stable": "v43"}
            servers.until(lambda: shop.recorded("handrail:guardrail:value") == arms, "both arms", within=60)
            shop.fails()
            servers.until(shop.is_rolled_back, "all rollbacks to be proved", within=90)

    attempt = shop.attempt()["attempt"]
    assert attempt["number"] == 2
    assert attempt["versions"] == {"label": "track", "canary": "v44", "stable": "v43"}
    records = [json.loads(one["body"]) for one in shop.receiver.evidence("checkout")["records"]]
    begun = [one["text"] for one in records if one.get("action") == "start" and one.get("verdict") == "act"]
    assert [re.sub(r"\([^)]*\)", "()", text) for text in begun] == [
        "a new attempt, in stage 10%, canary v43 (), stable v42 ()",
        "a new attempt, in stage 10%, canary v44 (), stable v43 ()",
    ]
    acted = [(one["action"], one["versions"]["canary"]) for one in records if one.get("verdict") == "act"]
    assert [version for _, version in acted] == ["v43"] * 4 + ["v44"] * (len(acted) - 4)
    assert acted[-1][0] in {"rollback", "emergency-rollback"}
    assert shop.generated() == before
    assert typed("generate", "--check", folder=shop.made.folder).returncode == 0
