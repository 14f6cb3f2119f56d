"""`kill -9`, or the loss of the database, at every commit and every call: nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import servers
from guarded import TOKENS, body, playbook, write_playbook
from guarded.database import Database, database
from guarded.lives import REACHED, Lives, lives
from guarded.service import environment
from guarded.spy import Silence, Spy, spied
from handrail_receiver.store import open_store

ONCE = ["set weight web/canary 0", "set weight web/stable 100"]
STARTED = ["set weight web/canary 10", "set weight web/stable 90"]
GOING = {"asked-for", "already-running"}
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
            self.started = answer is not None and answer.json().get("reason") in GOING
        return self.started

    def alertmanager(self) -> bool:
        """Deliver until there was one 2xx, and never again after that."""
        if not self.accepted:
            answer = self._post("/webhooks/alertmanager", "alertmanager", body())
            self.accepted = answer is not None and answer.is_success
        return self.accepted

    def rolled_back(self) -> bool:
        """Whether the receiver says that it is done."""
        said = self._get("/api/rollouts/shop")
        return said is not None and any(
            run["action"] == "rollback" and run["finished_at"] for run in said["runs"]
        )

    def asked(self) -> bool:
        """Keep what the receiver says in the end."""
        said, evidence = self._get("/api/rollouts/shop"), self._get("/api/rollouts/shop/evidence")
        if said is None or evidence is None:
            return False
        runs = [(run["action"], run["state"]) for run in said["runs"]]
        (self.folder / "outcome.json").write_text(json.dumps({"runs": runs, "evidence": evidence["whole"]}))
        return True

    def _post(self, path: str, role: str, content: bytes) -> httpx.Response | None:
        headers = {"authorization": f"Bearer {TOKENS[role]}", "content-type": "application/json"}
        try:
            return httpx.post(
                f"{self.url}{path}",
                content=content,
                headers=headers,
                timeout=10,
                trust_env=False,
                verify=servers.PLAIN,
            )
        except httpx.TransportError:
            return None

    def _get(self, path: str) -> dict[str, Any] | None:
        """What is answered, None while there is no answer or a refusal."""
        headers = {"authorization": f"Bearer {TOKENS['viewer']}"}
        try:
            answer = httpx.get(
                f"{self.url}{path}", headers=headers, timeout=10, trust_env=False, verify=servers.PLAIN
            )
        except httpx.TransportError:
            return None
        return answer.json() if answer.is_success else None


@dataclass(frozen=True)
class Harness:
    """Lives before one HAProxy, each with a store of its own that `new_store` makes."""

    lives: Lives
    folder: Path
    spy: Spy
    new_store: Callable[[], str]

    def lived(self, at: int, what: str = "kill") -> bool:
        """One rollout in which `what` happens at moment `at`; whether there was such a moment."""
        for command in STARTED:
            servers.ask_haproxy(self.spy.real, command)
        self.spy.commands.clear()
        reached = self.folder / REACHED
        reached.unlink(missing_ok=True)
        env = environment(self.folder, servers.free_address(), STORE=self.new_store(), LEASE="2")
        world = World(self.folder, self.spy, f"http://{env['HANDRAIL_ADDRESS']}")
        for moment in (at, 0):
            pid = self.lives.begin(env, self.folder, moment, what)
            done = _goes_on(world, lambda pid=pid: self.lives.ended(pid) is None)  # type: ignore[misc]
            self.lives.kill(pid)
            if done:
                break
        assert _outcome(world) == {
            "weights": (0, 100),
            "effects": ONCE,
            "rollbacks": ["done"],
            "evidence": True,
        }, f"{what} at moment {at}"
        return reached.exists()


@pytest.fixture(scope="module", name="places")
def _places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lives, Path, Spy]]:
    folder = tmp_path_factory.mktemp("killed")
    write_playbook(folder / "playbook", playbook())
    with spied(folder) as spy, lives() as begun:
        yield begun, folder, spy


@pytest.fixture(name="on_a_file")
def _on_a_file(places: tuple[Lives, Path, Spy]) -> Harness:
    lives, folder, spy = places
    spy.fault = faithfully

    def new_store() -> str:
        for file in folder.glob("handrail.db*"):
            file.unlink()
        return f"sqlite:{folder / 'handrail.db'}"

    return Harness(lives, folder, spy, new_store)


@pytest.fixture(scope="module", name="postgresql")
def _postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with database(tmp_path_factory.mktemp("database")) as server:
        asyncio.run(open_store(server.make("ready"), 1).engine.close())
        yield server


@pytest.fixture(name="on_postgresql")
def _on_postgresql(places: tuple[Lives, Path, Spy], postgresql: Database) -> Harness:
    lives, folder, spy = places
    spy.fault = faithfully

    def new_store() -> str:
        postgresql.forget("shop")
        return postgresql.make("shop", like="ready")

    return Harness(lives, folder, spy, new_store)


def _goes_on(world: World, alive: Callable[[], bool]) -> bool:
    """Play until everything is done, or the receiver is dead."""
    scenes = [world.operator, world.alertmanager, world.rolled_back, world.asked]
    deadline, pause = time.monotonic() + GIVE_UP, 0.01
    while scenes and alive():
        assert time.monotonic() < deadline, (world.folder / "receiver.log").read_text()[-3000:]
        if scenes[0]():
            scenes.pop(0)
            pause = 0.01
        else:
            time.sleep(pause)
            pause = min(1.5 * pause, 0.1)  # asking costs as much as what is waited for
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


def test_killed_at_moments_all_over_a_rollback(on_a_file: Harness) -> None:
    assert all(on_a_file.lived(moment) for moment in (10, 28, 46))


@pytest.mark.parametrize(("what", "at"), [("kill", 20), ("cut", 27), ("lost", 35)])
def test_on_postgresql_at_a_moment_of_a_rollback(on_postgresql: Harness, what: str, at: int) -> None:
    assert on_postgresql.lived(at, what)


def all_over(harness: Harness, what: str, times: int) -> str:
    """From the first moment to the last, again and again, until it has happened so many times."""
    happened, lives, began, moment = 0, 0, time.monotonic(), 0
    while happened < times:
        moment += 1
        reached = harness.lived(moment, what)
        happened, lives = happened + reached, lives + 1
        if not reached:
            moment = 0  # past the end: from the first moment again
    seconds = time.monotonic() - began
    return f"{what}: {happened} in {lives} rollouts, {seconds:.0f} s: 0 lost, 0 done twice"


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_killed_500_times_at_every_moment(on_a_file: Harness) -> None:
    print("SQLite,", all_over(on_a_file, "kill", 500))


def faithfully(_command: str, answer: str) -> str:
    return answer


def late(_command: str, answer: str) -> str:
    time.sleep(0.3)
    return answer


def twice(command: str, answer: str) -> str:
    return answer * 2 if command.startswith("set") else answer


def wrongly(command: str, answer: str) -> str:
    return "Internal error.\n\n" if command.startswith("set") else answer


def never(command: str, answer: str) -> str:
    if command.startswith("set"):
        raise Silence
    return answer


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fault", [late, twice, wrongly, never])
def test_killed_while_the_target_answers_badly(on_a_file: Harness, fault: Callable[[str, str], str]) -> None:
    on_a_file.spy.fault = fault
    kills = sum(on_a_file.lived(moment) for moment in range(2, 60, 3))
    print(f"SQLite, HAProxy answers {fault.__name__}, kill: {kills}: 0 lost, 0 done twice")


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("what", ["kill", "cut", "lost"])
def test_on_postgresql_at_every_moment(on_postgresql: Harness, what: str) -> None:
    print("PostgreSQL,", all_over(on_postgresql, what, 100))
