"""Many rollouts at once, and earlier attempts, on both kinds of database."""

from __future__ import annotations

import asyncio

import pytest
from guarded import NOW
from handrail_receiver.model import AttemptLine, AttemptState, Begin, Progress, RunState
from handrail_receiver.store import Store
from handrail_receiver.store.archive import TOGETHER
from ports.store_cases import LATER, LEASE, begun, decision, opening


@pytest.mark.anyio
async def test_many_rollouts_are_read_at_once(store: Store) -> None:
    rollouts = [f"shop-{number}" for number in range(TOGETHER + 2)]
    await asyncio.gather(*(begun(store, rollout=rollout) for rollout in rollouts[:-1]))
    found = await store.archive.newest(rollouts, NOW)
    assert [(name, one.attempt.number if one.attempt else None) for name, one in found.items()] == [
        *((rollout, 1) for rollout in rollouts[:-1]),
        (rollouts[-1], None),
    ]


@pytest.mark.anyio
async def test_one_that_cannot_be_read_keeps_nobody_back(store: Store) -> None:
    await begun(store)
    await begun(store, rollout="other")
    await store.engine.write(
        lambda tx: tx.count("UPDATE attempt SET state = 'of-tomorrow' WHERE rollout = 'shop'")
    )
    assert list(await store.archive.newest(["shop", "other"], NOW)) == ["other"]


@pytest.mark.anyio
async def test_an_attempt_of_before_is_found_with_what_was_recorded_in_its_time(store: Store) -> None:
    await begun(store, opening())
    (run,) = await store.runs.lease("me", NOW, LEASE)
    proved = Progress(RunState.proved, finished_at=NOW, attempt_state=AttemptState.rolled_back)
    await store.runs.record(run, proved, NOW)
    begin = Begin("shop", "10%", {}, "")
    await store.attempts.apply("shop", lambda _: decision(begin), LATER)
    assert await store.archive.attempts("shop", 9) == [
        AttemptLine(2, "active", "10%", LATER, "alice", ""),
        AttemptLine(1, "rolled-back", "10%", NOW, "alice", "because"),
    ]
    assert await store.archive.attempts("shop", 1) == [AttemptLine(2, "active", "10%", LATER, "alice", "")]
    found = await store.archive.attempt("shop", 1, LATER, 9)
    assert found is not None
    history, records = found
    assert history.attempt is not None
    assert (history.attempt.number, [run.action for run in history.runs]) == (1, ["rollback"])
    assert [(record.number, record.kind) for record in records] == [
        (1, "incident"),
        (2, "decision"),
        (3, "outcome"),
    ]
    newest = await store.archive.attempt("shop", 2, LATER, 9)
    assert newest is not None
    assert [(record.number, record.kind) for record in newest[1]] == [(4, "decision")]
    assert await store.archive.attempt("shop", 3, LATER, 9) is None
