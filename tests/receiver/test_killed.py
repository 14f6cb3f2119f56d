"""`kill -9` at every commit and every call to a target: nothing is lost, nothing is done twice."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import servers
from guarded import TOKENS, body, playbook, write_playbook
from guarded.lives import Lives, lives
from guarded.service import environment
from guarded.spy import Spy, spied

ONCE = ["set weight web/canary 0", "set weight web/stable 100"]
STARTED = ["set weight web/canary 10", "set weight web/stable 90"]
GIVE_UP = 20.0


@dataclass
class World:
    """Everything around the receiver: HAProxy with its spy, an operator, and Alertmanager."""

    folder: Path
    spy: Spy
    url: str
    started: bool = False
    accepted: bool = False

    def operator(self) -> bool:
        """Start the rollout, as often as it takes to hear that it is started."""
        if not self.started:
            answer = self._post("/api/rollouts/shop/start", "operator", b"{}")
            self.started = answer is not None and answer.json()["reason"] in {"asked-for", "already-running"}
        return self.started

    def alertmanager(self) -> bool:
        """Deliver until there was one 2xx, and never again after that."""
        if not self.accepted:
            answer = self._post("/webhooks/alertmanager", "alertmanager", body())
            self.accepted = answer is not None and answer.is_success
        return self.accepted

    def rolled_back(self) -> bool:
        """Whether the receiver says that it is done."""
        answer = self._get("/api/rollouts/shop")
        return answer is not None and any(
            run["action"] == "rollback" and run["finished_at"] for run in answer.json()["runs"]
        )

    def asked(self) -> bool:
        """Keep what the receiver says in the end."""
        said, evidence = self._get("/api/rollouts/shop"), self._get("/api/rollouts/shop/evidence")
        if said is None or evidence is None:
            return False
        runs = [(run["action"], run["state"]) for run in said.json()["runs"]]
        (self.folder / "outcome.json").write_text(
            json.dumps({"runs": runs, "evidence": evidence.json()["whole"]})
        )
        return True

    def _post(self, path: str, role: str, content: bytes) -> httpx.Response | None:
        headers = {"authorization": f"Bearer {TOKENS[role]}", "content-type": "application/json"}
        try:
            return httpx.post(
                f"{self.url}{path}", content=content, headers=headers, timeout=10, trust_env=False
            )
        except httpx.TransportError:
            return None

    def _get(self, path: str) -> httpx.Response | None:
        try:
            return httpx.get(
                f"{self.url}{path}",
                headers={"authorization": f"Bearer {TOKENS['viewer']}"},
                timeout=10,
                trust_env=False,
            )
        except httpx.TransportError:
            return None


@pytest.fixture(scope="module", name="proxy")
def _proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lives, Path, Spy]]:
    folder = tmp_path_factory.mktemp("killed")
    write_playbook(folder / "playbook", playbook())
    with spied(folder) as spy, lives() as begun:
        yield begun, folder, spy


def lived(lives: Lives, folder: Path, spy: Spy, at: int) -> bool:
    """One rollout with a receiver that dies at moment `at`; whether it died."""
    for file in folder.glob("handrail.db*"):
        file.unlink()
    for command in STARTED:
        servers.ask_haproxy(spy.real, command)
    spy.commands.clear()
    env = environment(folder, servers.free_address())
    world, died = World(folder, spy, f"http://{env['HANDRAIL_ADDRESS']}"), False
    for moment in (at, 0):
        pid = lives.begin(env, folder, moment)
        done = _goes_on(world, lambda pid=pid: lives.ended(pid) is None)  # type: ignore[misc]
        if not done:
            died = lives.ended(pid) == signal.SIGKILL
        lives.kill(pid)
        if done:
            break
    assert _outcome(world) == {
        "weights": (0, 100),
        "effects": ONCE,
        "rollbacks": ["done"],
        "evidence": True,
    }, f"died at moment {at}"
    return died


def _goes_on(world: World, alive: Callable[[], bool]) -> bool:
    """Play until everything is done, or the receiver is dead."""
    scenes = [world.operator, world.alertmanager, world.rolled_back, world.asked]
    deadline = time.monotonic() + GIVE_UP
    while scenes and alive():
        assert time.monotonic() < deadline, (world.folder / "receiver.log").read_text()[-3000:]
        if scenes[0]():
            scenes.pop(0)
        else:
            time.sleep(0.01)
    return not scenes


def _outcome(world: World) -> dict[str, object]:
    said = json.loads((world.folder / "outcome.json").read_text())
    table = servers.ask_haproxy(world.spy.real, "show stat").splitlines()
    rows = [line.split(",") for line in table if line.startswith("web,")]
    weights = {row[1]: int(row[18]) for row in rows}
    return {
        "weights": (weights["canary"], weights["stable"]),
        "effects": [command for command in world.spy.sets() if command in ONCE],
        "rollbacks": [state for action, state in said["runs"] if action == "rollback"],
        "evidence": said["evidence"],
    }


def test_killed_at_moments_all_over_a_rollback(proxy: tuple[Lives, Path, Spy]) -> None:
    deaths = [lived(*proxy, at=moment) for moment in range(1, 56, 5)]
    assert sum(deaths) >= 8


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_killed_500_times_at_every_moment(
    proxy: tuple[Lives, Path, Spy], record_property: Callable[[str, object], None]
) -> None:
    kills, lives, began, moment = 0, 0, time.monotonic(), 0
    while kills < 500:
        moment += 1
        died = lived(*proxy, at=moment)
        kills, lives = kills + died, lives + 1
        if not died:
            moment = 0  # past the end: from the first moment again
    seconds = time.monotonic() - began
    record_property("killed", f"{kills} kills in {lives} rollouts, {seconds:.0f} s: 0 lost, 0 done twice")
    print(f"{kills} kills in {lives} rollouts, {seconds:.0f} s: 0 lost, 0 done twice")
