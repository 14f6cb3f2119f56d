"""Writes that share a transaction: the failure of one does not affect the others."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from guarded import NOW
from handrail_receiver.errors import LeaseLost, StoreDown, WrongSettings
from handrail_receiver.store import Store, engine, open_store
from handrail_receiver.store.engine import Tx
from ports.store_cases import by_hand, delivered

pytestmark = pytest.mark.anyio


def remembering(name: str, problem: Exception | None = None) -> Callable[[Tx], str]:
    def work(tx: Tx) -> str:
        tx.count("INSERT INTO memory (name, at) VALUES (:name, 1)", name=name)
        if problem is not None:
            raise problem
        return name

    return work


async def test_work_that_fails_takes_nobody_else_s_with_it(url: str) -> None:
    store = open_store(url, 5)
    lost, broken = LeaseLost("not ours"), ZeroDivisionError("a fault of our own")
    works = [remembering("one"), remembering("two", lost), remembering("three", broken), remembering("four")]
    asked = [asyncio.ensure_future(store.engine.write(work)) for work in works]
    await asyncio.sleep(0)  # all four wait when the thread begins: they share a transaction
    store.engine.start()
    assert await asyncio.gather(*asked, return_exceptions=True) == ["one", lost, broken, "four"]
    kept = [await store.memory.recall(name) is not None for name in ("one", "two", "three", "four")]
    assert kept == [True, False, False, True]
    await store.engine.close()


async def test_what_the_database_does_not_take_takes_nobody_else_s_with_it_and_the_store_is_well(
    url: str,
) -> None:
    store = open_store(url, 5)

    def twice(tx: Tx) -> None:
        for _ in range(2):
            tx.count("INSERT INTO memory (name, at) VALUES ('two', 1)")

    works = [remembering("one"), twice, remembering("three")]
    asked = [asyncio.ensure_future(store.engine.write(work)) for work in works]
    await asyncio.sleep(0)  # all wait when the thread begins: they share a transaction
    store.engine.start()
    one, refused, three = await asyncio.gather(*asked, return_exceptions=True)
    assert (one, type(refused), three, store.engine.trouble) == ("one", StoreDown, "three", "")
    assert str(refused).startswith("the store does not take it: ")
    kept = [await store.memory.recall(name) is not None for name in ("one", "two", "three")]
    assert kept == [True, False, True]
    await store.engine.close()


async def test_what_is_taken_out_of_the_queue_between_two_looks_is_not_waited_for(url: str) -> None:
    """Whoever watches the time takes what waits out of a queue that the writer was just told is not empty."""

    class Emptied(SimpleQueue[Any]):
        def empty(self) -> bool:
            return False

    store = open_store(url, 5)
    store.engine._writing.jobs = Emptied()
    store.engine.start()
    assert await asyncio.wait_for(store.engine.write(remembering("one")), 5) == "one"
    await store.engine.close()


async def test_rows_by_the_hundred_are_added_in_their_order(store: Store) -> None:
    wide = [("test", NOW.timestamp(), number, "captured", "", str(number), "") for number in range(1, 251)]
    columns = ("rollout", "at", "number", "kind", "body", "previous", "hash")
    await store.engine.write(lambda tx: tx.insert("evidence", columns, wide))
    assert [one.previous for one in await store.evidence.read("test")] == [str(n) for n in range(1, 251)]


async def test_who_reads_a_sqlite_file_does_not_wait_for_who_writes(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path / 'handrail.db'}", 5)
    store.engine.start()
    await delivered(store)
    with closing(sqlite3.connect(tmp_path / "handrail.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert await asyncio.wait_for(store.inbox.waiting(), 2) == 1
    await store.engine.close()


async def test_work_that_hangs_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "ANSWER_WITHIN", 0.5)
    monkeypatch.setattr(engine, "LOOK_EVERY", 0.05)
    store = open_store(f"sqlite:{tmp_path / 'handrail.db'}", 5)
    store.engine.start()
    thaw = threading.Event()
    hangs = asyncio.ensure_future(store.engine.write(lambda _: thaw.wait(10)))
    await asyncio.sleep(0.1)
    behind = asyncio.ensure_future(store.engine.write(remembering("behind")))
    said = await asyncio.wait_for(asyncio.gather(hangs, behind, return_exceptions=True), 3)
    assert [(type(one), str(one)) for one in said] == [
        (StoreDown, "the store did not answer within 0.5 s; see to its disk or server")
    ] * 2
    assert store.engine.trouble == str(said[0])
    thaw.set()
    assert await store.engine.write(remembering("after")) == "after"
    assert (store.engine.trouble, await store.memory.recall("behind")) == ("", None)
    await store.engine.close()


async def test_a_database_of_a_newer_version_is_refused(store: Store, url: str) -> None:
    await store.engine.close()
    by_hand(url, "INSERT INTO migration (name) VALUES ('9999_later.sql')")
    with pytest.raises(WrongSettings, match=r"newer version \(9999_later.sql\); install that version"):
        open_store(url, 5)
    store.engine.start()
