"""`kill -9` at every commit and every call while a promotion is under way and an alert comes: the canary ends at 0.

A rollout is started and promoted; the alert is delivered when HAProxy has received the promotion's write, which it may
carry out late. One receiver is killed at its moment and started again, on a file alone, or on a PostgreSQL beside
another one whose clock is 20 s ahead; a second HAProxy node may be dead for a while. Asked of each:

- lost: what was accepted is rolled back in the end;
- twice: no node is given a weight that it has;
- forward: after the rollback is called done, nobody gives the canary anything;
- serving: when it is called done, no node has the canary in its balance.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import servers
from guarded import TOKENS, body, playbook, write_playbook
from guarded.database import Database, database
from guarded.lives import REACHED, SKEW, Lives, lives
from guarded.service import environment
from guarded.spy import Spy, spied
from handrail.contract import HAProxyWeight, Playbook, StageFacts, Step
from handrail_receiver.store import open_store

LATE = 0.8
AHEAD = "20"
GIVE_UP = 45.0
DEAD_FOR = 2.5
MOMENTS = range(1, 100)
CANARY = "set weight web/canary "


def shared(canary: int, nodes: tuple[str, ...]) -> tuple[Step, ...]:
    """The steps that give the canary a share, on all nodes."""
    sockets = [f"unix:{node}.sock" for node in nodes]
    return (
        HAProxyWeight("web/canary", canary, sockets, timeout=1.5, within=60),
        HAProxyWeight("web/stable", 100 - canary, sockets, timeout=1.5, within=60),
    )


def book(nodes: tuple[str, ...]) -> Playbook:
    """Two stages without a hold."""
    stages = (
        StageFacts(name="10%", weight=0.1, bake=0, enter=shared(10, nodes)),
        StageFacts(name="50%", weight=0.5, bake=None, enter=shared(50, nodes)),
    )
    return playbook(stages=stages, steps=shared(0, nodes))


@dataclass
class Node:
    """One HAProxy with its spy; what it really carried out for the canary, in order."""

    spy: Spy
    dead: bool = False
    late: bool = False
    received: threading.Event = field(default_factory=threading.Event)
    carried_out: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.spy.before, self.spy.fault = self._before, self._after

    def begin(self) -> None:
        """Everything is as before a rollout."""
        for command in ("set weight web/canary 0", "set weight web/stable 100"):
            servers.ask_haproxy(self.spy.real, command)
        self.received.clear()
        self.carried_out.clear()
        self.dead = False

    def canary(self) -> int:
        """The weight that the canary has now."""
        return int(servers.haproxy_servers(self.spy.real)["web/canary"]["weight"])

    def _before(self, command: str) -> None:
        if self.dead:
            raise ConnectionResetError
        if command == f"{CANARY}50":
            self.received.set()
            if self.late:
                time.sleep(LATE)

    def _after(self, command: str, answer: str) -> str:
        if command.startswith(CANARY):
            self.carried_out.append(int(command.removeprefix(CANARY)))
        return answer


@dataclass(frozen=True)
class Receivers:
    """The receivers of one rollout, spoken to until one of them answers."""

    urls: tuple[str, ...]

    def post(self, path: str, role: str, content: bytes) -> httpx.Response | None:
        """What the first that answers says, None while none does."""
        for url in self.urls:
            headers = {"authorization": f"Bearer {TOKENS[role]}", "content-type": "application/json"}
            try:
                return httpx.post(
                    f"{url}{path}",
                    content=content,
                    headers=headers,
                    timeout=30,
                    trust_env=False,
                    verify=servers.PLAIN,
                )
            except httpx.TransportError:
                continue
        return None

    def rolled_back(self) -> str:
        """The state of the newest rollback; empty while there is none or nobody answers."""
        for url in self.urls:
            headers = {"authorization": f"Bearer {TOKENS['viewer']}"}
            try:
                answer = httpx.get(
                    f"{url}/api/rollouts/shop",
                    headers=headers,
                    timeout=10,
                    trust_env=False,
                    verify=servers.PLAIN,
                )
            except httpx.TransportError:
                continue
            if answer.is_success:
                found = [run["state"] for run in answer.json()["runs"] if run["action"] == "rollback"]
                return found[-1] if found else ""
        return ""


@dataclass
class Count:
    """The result of all the rollouts."""

    rollouts: int = 0
    kills: int = 0
    lost: int = 0
    twice: int = 0
    forward: int = 0
    serving: int = 0

    def __str__(self) -> str:
        wrong = f"{self.lost} lost, {self.twice} twice, {self.forward} forward, {self.serving} serving"
        return f"{self.kills} kills in {self.rollouts} rollouts: {wrong}"

    @property
    def wrong(self) -> int:
        """How many broke a promise."""
        return self.lost + self.twice + self.forward + self.serving


@dataclass(frozen=True)
class Stage:
    """Where rollouts are played: receivers that live, nodes, and a store for each rollout."""

    lives: Lives
    folder: Path
    nodes: tuple[Node, ...]
    new_store: Callable[[], str]
    beside: bool = False

    def play(self, at: int, count: Count, *, late: bool, dead: bool) -> None:
        """One rollout in which the first receiver is killed at moment `at`."""
        for node in self.nodes:
            node.begin()
            node.late = late
        (self.folder / REACHED).unlink(missing_ok=True)
        store = self.new_store()
        envs = [self._environment(store) for _ in range(2 if self.beside else 1)]
        envs[-1] |= {SKEW: AHEAD} if self.beside else {}
        pids = [
            self.lives.begin(env, self.folder, 0 if place else at, "kill") for place, env in enumerate(envs)
        ]
        again = threading.Event()
        raising = threading.Thread(target=self._raise, args=(pids, envs[0], again))
        raising.start()
        try:
            self._play(
                Receivers(tuple(f"http://{env['HANDRAIL_ADDRESS']}" for env in envs)), count, dead=dead
            )
        finally:
            again.set()
            raising.join()
            for pid in pids:
                self.lives.kill(pid)
        count.rollouts += 1
        count.kills += (self.folder / REACHED).exists()

    def _environment(self, store: str) -> dict[str, str]:
        return environment(self.folder, servers.free_address(), STORE=store, LEASE="3")

    def _raise(self, pids: list[int], env: dict[str, str], over: threading.Event) -> None:
        """Whoever was killed is started again."""
        while not over.wait(0.05):
            if self.lives.ended(pids[0]) is not None:
                pids[0] = self.lives.begin(env, self.folder, 0, "kill")

    def _play(self, receivers: Receivers, count: Count, *, dead: bool) -> None:
        until(lambda: said(receivers, "start") in {"asked-for", "already-running", "tried-again"})
        until(lambda: all(node.canary() == 10 for node in self.nodes), 5)
        promoting = threading.Thread(target=said, args=(receivers, "promote"), daemon=True)
        promoting.start()
        self.nodes[0].received.wait(1.5)
        self.nodes[-1].dead = dead
        back = threading.Timer(DEAD_FOR, lambda: setattr(self.nodes[-1], "dead", False))
        back.start()
        first_to_hear = Receivers(receivers.urls[::-1])  # the one beside hears of it, while it lives
        until(lambda: delivered(first_to_hear))
        done = until(lambda: receivers.rolled_back() == "done")
        serving = [node.canary() for node in self.nodes]
        count.lost += not done
        count.serving += done and any(serving)
        back.join()
        promoting.join(5)
        time.sleep(LATE)
        count.forward += done and any(node.canary() for node in self.nodes)
        again = any(map(_repeats, [node.carried_out for node in self.nodes]))
        count.twice += again
        if not done or any(serving) or again:
            print([node.carried_out for node in self.nodes], receivers.rolled_back(), serving)


def _repeats(values: list[int]) -> bool:
    return any(one == following for one, following in itertools.pairwise(values))


def said(receivers: Receivers, verb: str) -> str:
    """The reason in the answer to a call, empty without an answer."""
    answer = receivers.post(f"/api/rollouts/shop/{verb}", "operator", b"{}")
    return str(answer.json().get("reason", "")) if answer is not None else ""


def delivered(receivers: Receivers) -> bool:
    """Whether the alert was accepted."""
    answer = receivers.post("/webhooks/alertmanager", "alertmanager", body())
    return answer is not None and answer.is_success


def until(what: Callable[[], bool], within: float = GIVE_UP) -> bool:
    """Wait for something; whether it came."""
    deadline, pause = time.monotonic() + within, 0.02
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(pause)
        pause = min(1.5 * pause, 0.1)  # asking costs as much as what is waited for
    return False


@contextmanager
def nodes_in(folder: Path, *names: str) -> Iterator[tuple[Node, ...]]:
    """HAProxy nodes; the sockets are in `folder`, called by their names."""
    with ExitStack() as stack:
        found = []
        for name in names:
            place = folder / name
            place.mkdir()
            spy = stack.enter_context(spied(place))
            (folder / f"{name}.sock").symlink_to(place / "haproxy.sock")
            found.append(Node(spy))
        yield tuple(found)


@pytest.fixture(scope="module", name="on_a_file")
def _on_a_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("killed-promoting")
    write_playbook(folder / "playbook", book(("one",)))

    def new_store() -> str:
        for file in folder.glob("handrail.db*"):
            file.unlink()
        return f"sqlite:{folder / 'handrail.db'}"

    with nodes_in(folder, "one") as nodes, lives() as begun:
        yield Stage(begun, folder, nodes, new_store)


@pytest.fixture(scope="module", name="postgresql")
def _postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with database(tmp_path_factory.mktemp("database")) as server:
        asyncio.run(open_store(server.make("ready"), 1).engine.close())
        yield server


@pytest.fixture(scope="module", name="together")
def _together(tmp_path_factory: pytest.TempPathFactory, postgresql: Database) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("killed-together")
    write_playbook(folder / "playbook", book(("one", "two")))

    def new_store() -> str:
        postgresql.forget("shop")
        return postgresql.make("shop", like="ready")

    with nodes_in(folder, "one", "two") as nodes, lives() as begun:
        yield Stage(begun, folder, nodes, new_store, beside=True)


def test_killed_while_a_promotion_is_on_its_way(on_a_file: Stage) -> None:
    count = Count()
    for moment, late in ((28, False), (33, True), (38, True)):
        on_a_file.play(moment, count, late=late, dead=False)
    assert (count.wrong, str(count)) == (0, f"{count.kills} kills in 3 rollouts: {NOTHING}")


NOTHING = "0 lost, 0 twice, 0 forward, 0 serving"


def all_over(stage: Stage, times: int) -> Count:
    """Every moment, again and again, until so many kills: each time with another mixture of what else is wrong."""
    count, began = Count(), time.monotonic()
    mixtures = itertools.cycle([(late, dead) for dead in ({False, stage.beside}) for late in (True, False)])
    for moment, (late, dead) in zip(itertools.cycle(MOMENTS), mixtures, strict=False):
        if count.kills >= times or (count.rollouts > len(MOMENTS) and count.kills == 0):
            break
        stage.play(moment, count, late=late, dead=dead)
        print(
            f"moment {moment}, late {late}, dead {dead}, {time.monotonic() - began:.0f} s: {count}",
            flush=True,
        )
    return count


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_killed_500_times_while_a_promotion_is_on_its_way(on_a_file: Stage) -> None:
    count = all_over(on_a_file, 500)
    print("SQLite, promoted:", count)
    assert count.wrong == 0


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_killed_500_times_beside_a_receiver_whose_clock_is_ahead(together: Stage) -> None:
    count = all_over(together, 500)
    print("PostgreSQL, two receivers, clocks 20 s apart, promoted:", count)
    assert count.wrong == 0
