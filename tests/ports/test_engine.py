"""Pieces of work that share a transaction: what one of them does is no other's trouble."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from guarded import NOW
from handrail_receiver.errors import LeaseLost
from handrail_receiver.stores import Store, open_store
from handrail_receiver.stores.engine import Tx
from ports.store_cases import delivered

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
