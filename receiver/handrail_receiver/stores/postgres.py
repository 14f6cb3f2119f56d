"""URL of a PostgreSQL → an Engine on it: any number of receivers share it.

Who decides deliveries, and who appends to a chain, is settled by advisory locks that end with the transaction;
they are taken by everybody in one order, and a deadlock between groups of work is tried again one by one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import dict_row

from handrail_receiver.errors import WrongSettings
from handrail_receiver.stores.engine import Engine, Row, insertions
from handrail_receiver.stores.migrate import migrate

CONNECT_WITHIN = 5
OPTIONS = "-c lock_timeout=10s -c statement_timeout=30s -c synchronous_commit=on"
NAMED = re.compile(r":([a-z_]+)\b")


class Postgres:
    """A connection. What hangs is given up: a lock after 10 s, a statement after 30 s."""

    skip_locked = "FOR UPDATE SKIP LOCKED"
    listed = "SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:listed AS json))"

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self._raw = psycopg.connect(
            url,
            autocommit=True,
            row_factory=dict_row,
            connect_timeout=CONNECT_WITHIN,
            options=f"{OPTIONS} -c default_transaction_read_only=on" if read_only else OPTIONS,
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=2,
        )

    def rows(self, sql: str, **values: Any) -> list[Row]:
        """Run a statement and give all its rows."""
        return list(self._raw.execute(_named(sql), values).fetchall())

    def count(self, sql: str, **values: Any) -> int:
        """Run a statement and give the number of rows it changed."""
        return self._raw.execute(_named(sql), values).rowcount

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows to a table."""
        for sql, values in insertions(table, columns, rows, "%s"):
            self._raw.execute(sql.encode(), values)

    def lock(self, name: str) -> None:
        """Be the only one who holds `name` until the commit."""
        self._raw.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (name,))

    def begin(self, *, reads: bool) -> None:  # noqa: ARG002  nobody waits for a reader here
        """Begin a transaction."""
        self._raw.execute("BEGIN")

    def end(self, word: str) -> None:
        """COMMIT or ROLLBACK."""
        self._raw.execute(word.encode())

    def script(self, text: str) -> None:
        """Run the statements of a migration, all or none."""
        with self._raw.transaction():
            self._raw.execute(text.encode())

    def close(self) -> None:
        """Close it."""
        self._raw.close()


def open_postgres(url: str) -> Engine:
    """The engine of a database, which is brought up to date first, by one receiver at a time.

    Raises WrongSettings when it cannot be reached or used.
    """
    try:
        with closing(Postgres(url)) as first:
            first.rows("SELECT pg_advisory_lock(hashtextextended('handrail migrate', 0))")
            migrate(first, "postgres")
    except psycopg.Error as error:
        where = urlsplit(url)
        said = " ".join(str(error).split())
        raise WrongSettings(
            f"HANDRAIL_STORE: PostgreSQL at {where.hostname}:{where.port or 5432} cannot be used ({said}); "
            "correct the address, or give our user the right to make tables"
        ) from None
    again = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
    return Engine(lambda: Postgres(url), (psycopg.Error,), again, shared=True)


@functools.cache
def _named(sql: str) -> bytes:
    """`:name` → what psycopg calls a named value. Statements are our own, and few."""
    return NAMED.sub(r"%(\1)s", sql.replace("%", "%%")).encode()
