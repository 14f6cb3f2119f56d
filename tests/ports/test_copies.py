"""PostgreSQL's own backup, made while a receiver works and restored → the same store with its evidence intact."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import psycopg
import servers
from guarded import NOW
from handrail_receiver.store import open_store
from handrail_receiver.store_commands.listing import Filter, evidence, notifications
from handrail_receiver.store_commands.opening import opened
from handrail_receiver.store_commands.questions import Questions
from ports.store_cases import begun, delivered


def copied(url: str, copy: Path) -> None:
    dump = servers.postgres_program("pg_dump")
    subprocess.run([dump, "--format=custom", f"--file={copy}", url], check=True)


def put_back(url: str, copy: Path) -> None:
    restore: list[str | Path] = [
        servers.postgres_program("pg_restore"),
        "--clean",
        "--if-exists",
        "--single-transaction",
    ]
    subprocess.run([*restore, f"--dbname={url}", copy], check=True)


def test_a_postgresql_is_copied_and_put_back_as_the_operator_s_page_says(
    database: servers.Server, tmp_path: Path
) -> None:
    url = f"postgresql://handrail@{database.address}/copied"
    with psycopg.connect(f"postgresql://handrail@{database.address}/postgres", autocommit=True) as connection:
        connection.execute(b"CREATE DATABASE copied")
    copy = tmp_path / "copy.dump"

    async def work() -> None:
        store = open_store(url, 10)
        store.engine.start()
        await begun(store)
        await delivered(store)
        await asyncio.to_thread(copied, url, copy)
        await delivered(store)
        await store.evidence.append("shop", "note", {"after": "the copy"}, NOW)
        await store.engine.close()

    asyncio.run(work())
    put_back(url, copy)
    with opened(url) as store:
        assert len(notifications(store, Filter())) == 1
        assert [one.kind for one in evidence(store, Filter())] == ["decision"]
    assert Questions(url).verify().problems == ()

    async def go_on() -> None:
        store = open_store(url, 10)
        store.engine.start()
        await delivered(store)
        await store.evidence.append("shop", "note", {"after": "it was put back"}, NOW)
        await store.engine.close()

    asyncio.run(go_on())
    with opened(url) as store:
        assert [one.number for one in notifications(store, Filter())] == [1, 2]
    assert Questions(url).verify().problems == ()
