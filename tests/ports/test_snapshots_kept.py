"""Snapshots ↔ rows, in SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest
from guarded import NOW
from handrail.contract import Secret, Slack, Tell
from handrail_receiver.store import Store

PEOPLE = (Tell(Slack("#shop", token=Secret("SLACK"))),)
pytestmark = pytest.mark.anyio


async def keep(store: Store, key: str, text: str, **more: object) -> None:
    said = {"scheduled": key, **more}
    await store.snapshots.keep("shop", "check", text, text, said, NOW, key, PEOPLE)


async def test_a_snapshot_is_kept_with_its_record_and_a_scheduled_one_once(store: Store) -> None:
    for text in ("first", "second"):
        await keep(store, "7/1/900", text)
    assert await store.snapshots.read("first") == "first"
    assert await store.snapshots.read("second") is None
    assert [record.kind for record in await store.evidence.read("shop")] == ["check"]


async def test_what_was_made_in_a_stage_is_known_with_whether_it_was_well(store: Store) -> None:
    await keep(store, "7/1/900", "before there was a word for it")
    await keep(store, "7/1/1800/T+30 of 10%", "well", ok=True)
    await keep(store, "7/1/3600", "not well", ok=False)
    await keep(store, "7/12/900", "of the next stage", ok=True)
    assert await store.snapshots.scheduled("shop", "7/1/") == {
        "7/1/900": None,
        "7/1/1800/T+30 of 10%": True,
        "7/1/3600": False,
    }
    assert await store.snapshots.scheduled("another", "7/1/") == {}


async def test_who_is_to_be_told_of_a_check_is_told_once_of_its_record(store: Store) -> None:
    for _ in range(2):
        await keep(store, "7/1/900", "first")
    due = await store.tellings.due(NOW, NOW + timedelta(minutes=1))
    assert [(one.incident, one.attempt, one.tell) for one in due] == [("shop/check/1", 0, PEOPLE[0])]


async def test_what_goes_out_in_an_attempt_is_read_from_its_start(store: Store) -> None:
    for attempt in (7, 8):
        said = {"attempt": attempt, "artifact": f"v{attempt}"}
        await store.evidence.append("shop", "decision", said, NOW)
    assert [await store.snapshots.artifact("shop", attempt) for attempt in (7, 8, 9)] == ["v7", "v8", ""]
