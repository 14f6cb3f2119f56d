"""PostgreSQL goes away while a rollback is carried out, and comes back: nothing is lost, nothing is done twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import servers
from guarded import Guarded, alert, body, guarded, playbook
from guarded.database import Database, database
from guarded.spy import Spy, spied
from handrail_receiver.errors import WrongSettings
from handrail_receiver.store import open_store
from handrail_receiver.store.engine import ANSWER_WITHIN
from handrail_receiver.store_commands.questions import Questions

ONCE = ["set weight web/canary 0", "set weight web/stable 100"]
ALERTMANAGER_WAITS = 10
NO_WAITING = ANSWER_WITHIN / 2
"""What takes less did not wait for a store that does not answer, however busy the machine is."""
STARTED = ["set weight web/canary 10", "set weight web/stable 90"]


@pytest.fixture(scope="module", name="postgresql")
def _postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with database(tmp_path_factory.mktemp("database")) as server:
        yield server


@pytest.fixture(name="trio")
def _trio(postgresql: Database, tmp_path: Path) -> Iterator[tuple[Guarded, Spy, Database]]:
    url = postgresql.make("shop")
    book = playbook(budget_per_day=1000)
    with spied(tmp_path) as spy, guarded(tmp_path, book, proxy=False, STORE=url) as shop:
        yield shop, spy, postgresql
    postgresql.forget("shop")


def begin(shop: Guarded, spy: Spy) -> None:
    """A new attempt, with nothing noted of what was before, and nothing that fires."""
    servers.until(lambda: shop.deliver(body(alert(status="resolved"))).is_success, "the end of the alert")
    for command in STARTED:
        servers.ask_haproxy(spy.real, command)
    servers.until(lambda: shop.call("start").get("reason") == "asked-for", "the start")
    spy.commands.clear()


@dataclass
class AtCommand:
    """A fault: something happens once, between a command to HAProxy and its answer, unless that is over before."""

    number: int
    happens: Callable[[], None]
    _seen: int = 0
    _has: bool = False
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, _command: str, answer: str) -> str:
        """An answer, after what happens has happened."""
        with self._turn:
            self._seen += 1
            if self._seen == self.number:
                self.happens()
                self._has = True
        return answer

    @property
    def has_happened(self) -> bool:
        """Whether it has, to its end."""
        return self._has

    def over(self) -> bool:
        """It happens no more, whoever asks HAProxy later; whether it has."""
        with self._turn:
            self.number = 0
            return self._has


def delivered(shop: Guarded) -> None:
    """As Alertmanager does: again until there is one 2xx."""
    servers.until(lambda: shop.deliver().is_success, "a 2xx")


def outcome(shop: Guarded, spy: Spy) -> dict[str, object]:
    return {
        "weights": shop.weights_of(spy),
        "effects": spy.sets(),
        "rollbacks": [state for action, state in shop.runs() if action == "rollback"],
        "evidence": Questions(shop.env["HANDRAIL_STORE"]).verify().problems,
    }


WELL = {"weights": (0, 100), "effects": ONCE, "rollbacks": ["done"], "evidence": ()}


def rolled_back_with_a_cut(shop: Guarded, spy: Spy, postgresql: Database, number: int) -> bool:
    """One rollback during which all connections end at a command; whether it had so many commands."""
    begin(shop, spy)
    spy.fault = fault = AtCommand(number, lambda: postgresql.cut("shop"))
    delivered(shop)
    servers.until(lambda: ("rollback", "done") in _runs(shop), "the rollback")
    was_cut = fault.over()
    assert outcome(shop, spy) == WELL, f"cut at command {number}"
    return was_cut


def _runs(shop: Guarded) -> list[tuple[str, str]]:
    """The runs, or none while the store does not answer."""
    answer = shop.ask("GET", "/api/rollouts/shop", "viewer")
    return [(run["action"], run["state"]) for run in answer.json().get("runs", [])]


def rolled_back_without_a_database(shop: Guarded, spy: Spy, postgresql: Database, number: int) -> bool:
    """One rollback during which the server dies at a command and stays away for a while."""
    begin(shop, spy)
    spy.fault = fault = AtCommand(number, postgresql.die)
    delivered(shop)
    servers.until(lambda: fault.has_happened or ("rollback", "done") in _runs(shop), "its death, or the end")
    died = fault.over()
    if died:
        servers.until(lambda: shop.ask("GET", "/readyz", "nobody").status_code == 503, "the store to be gone")
        assert shop.deliver().status_code == 503
        postgresql.come_back()
        servers.until(lambda: shop.ask("GET", "/readyz", "nobody").status_code == 200, "the store")
        delivered(shop)
    servers.until(lambda: ("rollback", "done") in _runs(shop), "the rollback")
    assert outcome(shop, spy) == WELL, f"away from command {number} on"
    return died


@pytest.mark.parametrize("number", [1, 3, 6])
def test_connections_that_end_in_the_middle_of_a_rollback(
    trio: tuple[Guarded, Spy, Database], number: int
) -> None:
    assert rolled_back_with_a_cut(*trio, number)


def test_a_database_that_dies_in_the_middle_of_a_rollback_and_comes_back(
    trio: tuple[Guarded, Spy, Database],
) -> None:
    assert rolled_back_without_a_database(*trio, number=3)


def test_a_database_that_is_frozen_keeps_nobody_waiting_and_goes_on_when_it_can(
    trio: tuple[Guarded, Spy, Database],
) -> None:
    shop, spy, postgresql = trio
    begin(shop, spy)
    with postgresql.frozen():
        began = time.monotonic()
        answer = shop.deliver()
        assert answer.status_code == 503
        # Whoever waits may hear of the connection that was cut off before hearing that the time was over.
        late, cut = f"the store did not answer within {ANSWER_WITHIN:g} s", "the store is not available: "
        assert answer.json()["error"].startswith((late, cut))
        assert ANSWER_WITHIN < ALERTMANAGER_WAITS
        assert time.monotonic() - began < 2 * ALERTMANAGER_WAITS  # a busy machine adds to it
        assert shop.ask("GET", "/healthz", "nobody").elapsed.total_seconds() < NO_WAITING
        ready = shop.ask("GET", "/readyz", "nobody")
        assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
        assert ready.elapsed.total_seconds() < NO_WAITING
        assert shop.ask("GET", "/rollouts/shop", "viewer").status_code == 503
    delivered(shop)
    servers.until(lambda: ("rollback", "done") in _runs(shop), "the rollback")
    servers.until(lambda: shop.ask("GET", "/readyz", "nobody").is_success, "the store")
    assert outcome(shop, spy) == WELL


@pytest.mark.parametrize("settings", [(), ("ignore_startup_parameters = options,extra_float_digits",)])
def test_a_pooler_in_transaction_mode_is_refused_in_one_line(
    postgresql: Database, tmp_path: Path, settings: tuple[str, ...]
) -> None:
    postgresql.make("pooled")
    with servers.pgbouncer(tmp_path, postgresql.address, "transaction", *settings) as pooler:
        url = f"postgresql://handrail@{pooler.address}/pooled"
        with pytest.raises(WrongSettings) as refused:
            open_store(url, 5)
    postgresql.forget("pooled")
    assert str(refused.value) == (
        f"HANDRAIL_STORE: PostgreSQL at {pooler.address} cannot be used: it is a connection pooler in transaction "
        "mode, which loses a session's settings and locks; give the address of PostgreSQL itself, or of a pooler in "
        "session mode"
    )


def test_a_pooler_in_session_mode_is_a_database_like_any_other(postgresql: Database, tmp_path: Path) -> None:
    postgresql.make("pooled")
    with (
        servers.pgbouncer(tmp_path, postgresql.address, "session") as pooler,
        guarded(tmp_path, STORE=f"postgresql://handrail@{pooler.address}/pooled") as shop,
    ):
        shop.call("start")
        assert [shop.deliver().status_code for _ in range(20)] == [200] * 20
        shop.until("rollback", "done")
        assert (shop.weights(), Questions(shop.env["HANDRAIL_STORE"]).verify().problems) == ((0, 100), ())
    postgresql.forget("pooled")


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_database_goes_away_at_every_command_of_a_rollback(
    trio: tuple[Guarded, Spy, Database],
) -> None:
    cut, died = 0, 0
    while rolled_back_with_a_cut(*trio, cut + 1):
        cut += 1
    while rolled_back_without_a_database(*trio, died + 1):
        died += 1
    assert min(cut, died) >= 6
    print(f"connections cut at {cut} commands, server gone at {died}: 0 lost, 0 done twice")
