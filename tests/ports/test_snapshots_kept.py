"""Snapshots ↔ rows, in SQLite and PostgreSQL."""

from __future__ import annotations

import pytest
from guarded import NOW
from handrail_receiver.store import Store

pytestmark = pytest.mark.anyio


async def test_a_snapshot_is_kept_with_its_record_and_a_scheduled_one_once(store: Store) -> None:
    for text in ("first", "second"):
        await store.snapshots.keep("shop", "check", text, text, {"scheduled": "7/1/900"}, NOW, "7/1/900")
    assert await store.snapshots.read("first") == "first"
    assert await store.snapshots.read("second") is None
    assert await store.snapshots.scheduled("shop") == {"7/1/900"}
    assert [record.kind for record in await store.evidence.read("shop")] == ["check"]
    assert await store.snapshots.scheduled("another") == frozenset()


async def test_what_goes_out_in_an_attempt_is_read_from_its_start(store: Store) -> None:
    for attempt in (7, 8):
        said = {"attempt": attempt, "artifact": f"v{attempt}"}
        await store.evidence.append("shop", "decision", said, NOW)
    assert [await store.snapshots.artifact("shop", attempt) for attempt in (7, 8, 9)] == ["v7", "v8", ""]
