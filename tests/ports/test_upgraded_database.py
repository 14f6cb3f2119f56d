"""A database of either kind from the previous version → upgraded, with everything that was in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from guarded import NOW
from handrail_receiver import store
from handrail_receiver.store import open_store
from handrail_receiver.store_commands.opening import opened
from handrail_receiver.store_commands.verify import problems, verify
from ports.store_cases import new_database
from psycopg import sql

pytestmark = pytest.mark.anyio

BEFORE = Path(__file__).parents[1] / "golden/before/store.sql"
OLD = ("0001_first.sql", "0002_gates.sql")
TABLES = ("attempt", "run", "effect", "said", "inbox", "evidence", "memory", "migration")


def rows() -> Iterator[tuple[str, list[str], list[tuple[object, ...]]]]:
    """Each table of the version before, with its columns and its rows."""
    with closing(sqlite3.connect(":memory:")) as before:
        before.executescript(BEFORE.read_text())
        for table in TABLES:
            found = before.execute(f"SELECT * FROM {table}")  # noqa: S608
            yield table, [column for column, *_ in found.description], found.fetchall()


def old_database(url: str) -> None:
    """What the version before left in a database of this kind."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:"))) as made, made:
            made.executescript(BEFORE.read_text())
        return
    with psycopg.connect(url) as connection:
        for name in OLD:
            connection.execute((files(store) / "migrations/postgres" / name).read_bytes())
        connection.execute(b"CREATE TABLE migration (name TEXT PRIMARY KEY)")
        for table, columns, values in rows():
            insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.SQL(", ").join(sql.Placeholder() * len(columns)),
            )
            connection.cursor().executemany(insert, values)


@pytest.fixture(params=["sqlite", "postgresql"])
def nothing(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'handrail.db'}"
    return new_database(request.getfixturevalue("database"), tmp_path)


async def test_a_database_of_the_version_before_has_all_that_was_in_it(nothing: str) -> None:
    url = nothing
    old_database(url)
    upgraded = open_store(url, 5)
    upgraded.engine.start()
    history = await upgraded.attempts.history("shop", NOW)
    await upgraded.engine.close()
    assert history.attempt is not None
    assert (history.attempt.number, history.attempt.state, history.attempt.stage) == (2, "active", "10%")
    with opened(url) as found:
        assert problems(verify(found)) == []
        for table, columns, values in rows():
            if table != "migration":
                kept = found.rows(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608
                assert sorted(map(str, (tuple(one[name] for name in columns) for one in kept))) == sorted(
                    map(str, values)
                )
