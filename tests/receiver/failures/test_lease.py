"""Receivers on one PostgreSQL: who works on a rollback, and how it goes from one to the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from guarded import guarded
from guarded.database import Database, database
from guarded.spy import Spy, spied
from handrail_receiver.store_commands.questions import Questions

ONCE = ["set weight web/canary 0", "set weight web/stable 100"]


@pytest.fixture(name="postgresql")
def _postgresql(tmp_path: Path) -> Iterator[Database]:
    with database(tmp_path) as server:
        yield server


class Slow:
    """A target that answers one kind of command only once it may."""

    def __init__(self, spy: Spy, command: str) -> None:
        self.asked, self._may, self._command = threading.Event(), threading.Event(), command
        spy.fault = self._fault

    def answer(self) -> None:
        """From now on it answers."""
        self._may.set()

    def _fault(self, command: str, answer: str) -> str:
        if command == self._command:
            self.asked.set()
            self._may.wait(30)
        return answer


def test_a_receiver_that_is_ended_hands_over_what_it_works_on_at_once(
    postgresql: Database, tmp_path: Path
) -> None:
    store = postgresql.make("shop")
    with spied(tmp_path) as spy, guarded(tmp_path, proxy=False, STORE=store, LEASE="600") as first:
        first.call("start")
        spy.commands.clear()
        slow = Slow(spy, "show servers state web")
        first.deliver()
        assert slow.asked.wait(10)
        with guarded(tmp_path, proxy=False, STORE=store, LEASE="600") as second:
            servers.end(first.server)
            slow.answer()
            second.until("rollback", "done")
            assert (spy.sets(), second.weights_of(spy)) == (ONCE, (0, 100))
            assert Questions(store).verify().problems == ()


def test_a_receiver_that_cannot_keep_its_lease_stops_before_another_may_begin(
    postgresql: Database, tmp_path: Path
) -> None:
    store = postgresql.make("shop")
    with spied(tmp_path) as spy, guarded(tmp_path, proxy=False, STORE=store, LEASE="2") as shop:
        shop.call("start")
        spy.commands.clear()
        slow = Slow(spy, "show servers state web")
        shop.deliver()
        assert slow.asked.wait(10)
        postgresql.die()
        left = "rollback of shop is left to whoever reaches the store"
        servers.until(lambda: left in shop.server.log.read_text(), "it to stop", within=8)
        slow.answer()
        postgresql.come_back()
        servers.until(lambda: shop.ask("GET", "/readyz", "nobody").is_success, "the store")
        shop.until("rollback", "done")
        assert (spy.sets(), shop.weights_of(spy)) == (ONCE, (0, 100))
        assert Questions(store).verify().problems == ()
