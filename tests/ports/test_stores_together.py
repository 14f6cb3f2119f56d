"""Several receivers on one store, and a store that goes away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import servers
from guarded import NOW
from handrail_receiver import ports
from handrail_receiver.errors import StoreDown, WrongSettings
from handrail_receiver.model import Decision, Stored
from handrail_receiver.ports import Judge, Look
from handrail_receiver.store import open_store
from ports.store_cases import LEASE, begun, decision, delivered, new_database, opening

pytestmark = pytest.mark.anyio


async def test_a_second_receiver_on_one_sqlite_file_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'handrail.db'}"
    first = open_store(url, 5)
    with pytest.raises(WrongSettings, match="another receiver uses"):
        open_store(url, 5)
    await first.engine.close()
    await open_store(url, 5).engine.close()


async def test_two_receivers_on_one_postgresql_share_the_work_and_do_it_once(
    database: servers.Server, tmp_path: Path
) -> None:
    url = new_database(database, tmp_path)
    stores = [open_store(url, 1000), open_store(url, 1000)]
    for one in stores:
        one.engine.start()
    await begun(stores[0])
    judged_by: list[int] = []

    def judge(stored: Stored, look: Look) -> Iterator[Decision]:
        judged_by.append(stored.number)
        attempt = look("shop").attempt
        assert attempt is not None
        yield decision(opening(), attempt=attempt.id)

    await asyncio.gather(*(delivered(one, 20) for one in stores))
    await asyncio.gather(*(one.inbox.settle(judge, NOW, 3) for _ in range(20) for one in stores))
    assert await stores[0].inbox.waiting() == 0
    assert len(set(judged_by)) == 40
    leased = await asyncio.gather(
        *(one.runs.lease(str(place), NOW, LEASE) for place, one in enumerate(stores))
    )
    assert sorted(len(runs) for runs in leased) == [0, 1]
    for one in stores:
        await one.engine.close()


async def test_two_receivers_count_what_a_service_has_done_one_after_the_other(
    database: servers.Server, tmp_path: Path
) -> None:
    url = new_database(database, tmp_path)
    stores = {rollout: open_store(url, 5) for rollout in ("cart", "search")}
    counted: list[int] = []

    def once_a_day(rollout: str) -> Judge:
        def judge(_stored: Stored, look: Look) -> Iterator[Decision]:
            history = look(rollout)
            assert history.attempt is not None
            counted.append(history.automatic_today)
            time.sleep(0.3)  # the other one has all the time it needs to look, too
            if history.automatic_today == 0:
                yield decision(opening(), rollout=rollout, attempt=history.attempt.id, by="alert")

        return judge

    for rollout, store in stores.items():
        store.engine.start()
        await begun(store, rollout=rollout)
        await delivered(store)
    await asyncio.gather(*(store.inbox.settle(once_a_day(one), NOW, 1) for one, store in stores.items()))
    assert counted == [0, 1]
    for store in stores.values():
        await store.engine.close()


async def test_a_store_that_went_away_says_so_and_comes_back(
    database: servers.Server, tmp_path: Path
) -> None:
    url = new_database(database, tmp_path)
    admin = f"postgresql://handrail@{database.address}/postgres"
    with psycopg.connect(admin, autocommit=True) as connection:
        store = open_store(url, 5)
        store.engine.start()
        await delivered(store)
        assert await store.inbox.waiting() == 1
        connection.execute(
            b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (url.rpartition("/")[2],),
        )
        with pytest.raises(StoreDown, match="the store is not available"):
            await delivered(store)
        await delivered(store)
        with pytest.raises(StoreDown):
            await store.inbox.waiting()
        assert await store.inbox.waiting() == 2
        await store.engine.close()


def test_the_ports_are_what_the_stores_have(tmp_path: Path) -> None:
    async def both() -> None:
        store = open_store(f"sqlite:{tmp_path / 'x.db'}", 5)
        inbox: ports.Inbox = store.inbox
        attempts: ports.Attempts = store.attempts
        runs: ports.Runs = store.runs
        evidence: ports.Evidence = store.evidence
        memory: ports.Memory = store.memory
        tellings: ports.Tellings = store.tellings
        assert len({id(port) for port in (inbox, attempts, runs, evidence, memory, tellings)}) == 6
        await store.engine.close()

    asyncio.run(both())
