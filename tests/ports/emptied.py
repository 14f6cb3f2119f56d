"""A PostgreSQL → databases of this version with nothing in them, the same one again and again.

To make one and its tables takes ten times the work of a test in it. A test that leaves other tables, triggers or
migrations than it found ends its database.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import servers
from handrail_receiver.store import open_store

from .store_cases import new_database

SCHEMA = b"""
SELECT coalesce(md5(string_agg(said, ' ' ORDER BY said)), '') FROM (
    SELECT concat_ws(' ', attrelid::regclass, attname, atttypid, attnotnull) AS said
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0
    UNION ALL SELECT concat_ws(' ', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger
    UNION ALL SELECT name FROM migration
) AS one
"""
"""What a migration makes and a test may change: columns of tables and indexes, triggers, names of migrations."""
TABLES = b"SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migration'"
# No trigger keeps a superuser's session of this role from emptying what only grows.
EMPTY = """
SET session_replication_role = replica;
SET lock_timeout = '5s';
{deletions};
SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence
"""


class Emptied:
    """Databases of one server, which tests take one after the other."""

    def __init__(self, server: servers.Server) -> None:
        self._server = server
        self._spare: list[tuple[str, str]] = []

    @contextmanager
    def database(self, folder: Path) -> Iterator[str]:
        """The URL of an empty one, for as long as the block lasts; a new one is named for the folder."""
        url, schema = self._spare.pop() if self._spare else self._new(folder)
        yield url
        if self._emptied(url, schema):
            self._spare.append((url, schema))

    def _new(self, folder: Path) -> tuple[str, str]:
        url = new_database(self._server, folder)
        open_store(url, 5)
        with psycopg.connect(url) as connection:
            return url, _schema(connection)

    def _emptied(self, url: str, schema: str) -> bool:
        with psycopg.connect(url) as connection:
            try:
                if _schema(connection) != schema:
                    return False
            except psycopg.errors.UndefinedTable:
                return False
            deletions = "; ".join(f"DELETE FROM {name}" for (name,) in connection.execute(TABLES))  # noqa: S608
            connection.execute(EMPTY.format(deletions=deletions).encode())
        return True


def _schema(connection: psycopg.Connection[tuple[str]]) -> str:
    [(found,)] = connection.execute(SCHEMA).fetchall()
    return found
