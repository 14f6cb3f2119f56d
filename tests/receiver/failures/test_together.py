"""Two receivers on one PostgreSQL and two Alertmanagers: whoever delivers and whoever acts, one effect."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
import servers
from guarded import Guarded, guarded
from guarded.alertmanagers import VERSIONS, alertmanager, cluster, sends_to
from guarded.database import Database, database
from guarded.scraped import Application, watched
from guarded.spy import Spy, spied

ONCE = ["set weight web/canary 0", "set weight web/stable 100"]
LEASE = "2"


@dataclass
class World:
    """Prometheus, two Alertmanagers, two receivers, one database, and HAProxy with its spy."""

    folder: Path
    spy: Spy
    base: Database
    application: Application
    addresses: Sequence[str]
    receivers: list[Guarded] = field(default_factory=list)

    def begin(self, number: int, stack: ExitStack) -> Guarded:
        """Start a receiver, in a folder of its own."""
        home = self.folder / f"receiver-{number}"
        home.mkdir(exist_ok=True)
        socket = home / "haproxy.sock"
        if not socket.is_symlink():
            socket.symlink_to(self.folder / "haproxy.sock")
        address = self.addresses[number]
        settings = guarded(home, proxy=False, ADDRESS=address, STORE=self.base.url("shop"), LEASE=LEASE)
        return stack.enter_context(settings)

    def delivered(self) -> list[int]:
        """How many deliveries each receiver took and judged."""
        return [int(sum(one.metric("handrail_notifications_total").values())) for one in self.receivers]

    def owner(self) -> int:
        """The process that works on the attempt."""
        with psycopg.connect(self.base.url("shop")) as connection:
            row = connection.execute("SELECT owner FROM attempt WHERE owner IS NOT NULL").fetchone()
        assert row is not None
        return int(str(row[0]).split(":")[1])


@contextmanager
def world(folder: Path, *, apart: bool) -> Iterator[World]:
    """All of it, with the rollout started. `apart`: each Alertmanager alone, with a receiver of its own."""
    addresses, alerting = ([servers.free_address() for _ in VERSIONS] for _ in range(2))
    urls = [f"http://{address}/webhooks/alertmanager" for address in addresses]
    with ExitStack() as stack:
        base = stack.enter_context(database(folder))
        base.make("shop")
        spy = stack.enter_context(spied(folder))
        if apart:
            for number, version in enumerate(VERSIONS):
                home = folder / f"alone-{number}"
                home.mkdir()
                config = sends_to(urls[number])
                stack.enter_context(alertmanager(home, version, config, alerting[number]))
        else:
            stack.enter_context(cluster(folder, sends_to(*urls), peer_timeout="100ms", addresses=alerting))
        application = stack.enter_context(watched(folder, {"bad": 0}, alerting))
        made = World(folder, spy, base, application, addresses)
        made.receivers += [made.begin(number, stack) for number in range(2)]
        made.receivers[0].call("start")
        spy.commands.clear()
        yield made


def outcome(world: World, by: Guarded) -> dict[str, object]:
    """What a receiver says in the end, and what was really done."""
    evidence = by.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()
    return {
        "runs": by.runs(),
        "effects": sorted(world.spy.sets()),
        "weights": by.weights_of(world.spy),
        "evidence": evidence["whole"],
    }


DONE = {
    "runs": [("start", "done"), ("rollback", "done")],
    "effects": ONCE,
    "weights": (0, 100),
    "evidence": True,
}


@pytest.mark.parametrize(
    "apart",
    [
        pytest.param(False, id="both to both", marks=pytest.mark.long),  # so are those of whom one is killed
        pytest.param(True, id="each to its own"),
    ],
)
def test_two_receivers_and_two_alertmanagers_have_one_effect(tmp_path: Path, apart: bool) -> None:
    with world(tmp_path, apart=apart) as made:
        made.application.values["bad"] = 1
        made.receivers[0].until("rollback", "done")
        servers.until(lambda: min(made.delivered()) >= 2, "two deliveries to each")
        assert [outcome(made, by) for by in made.receivers] == [DONE, DONE]


def test_one_is_killed_in_the_middle_and_the_other_ends_what_it_began(tmp_path: Path) -> None:
    with world(tmp_path, apart=False) as made, ExitStack() as again:
        killed: list[int] = []

        def kill(command: str, answer: str) -> str:
            if command == ONCE[0] and not killed:
                killed.append(made.owner())
                os.kill(killed[0], signal.SIGKILL)
            return answer

        made.spy.fault = kill
        made.application.values["bad"] = 1
        servers.until(lambda: bool(killed), "the kill")
        [dead] = [number for number, one in enumerate(made.receivers) if one.server.process.pid == killed[0]]
        survivor = made.receivers[1 - dead]
        survivor.until("rollback", "done")
        assert outcome(made, survivor) == DONE
        back = made.begin(dead, again)
        servers.until(
            lambda: back.metric("handrail_notifications_total")['{result="repeat"}'] >= 1, "a repeat"
        )
        assert outcome(made, back) == DONE
