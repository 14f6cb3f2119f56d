"""URL of a PostgreSQL → an Engine on it, which any number of receivers share.

Advisory locks, which end with the transaction, settle who decides deliveries and who appends to a chain. Everybody
takes them in one order, and after a deadlock between groups of work each is tried again by itself.
"""

from __future__ import annotations

import functools
import os
import re
import socket
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import dict_row

from handrail_receiver.addresses import without_password
from handrail_receiver.errors import WrongSettings
from handrail_receiver.store.engine import Engine, Row, all_storable, insertions
from handrail_receiver.store.migrate import migrate

CONNECT_WITHIN = 5
# What a session is told, so that the server gives up before we cut it off; a pooler may refuse it while connecting.
SESSION = {"lock_timeout": "5s", "statement_timeout": "7s", "synchronous_commit": "on"}
MIGRATION = {"lock_timeout": "60s", "statement_timeout": "0", "synchronous_commit": "on"}
READING = {"lock_timeout": "10s", "statement_timeout": "30s"}
NAMED = re.compile(r":([a-z_]+)\b")
POOLED = (
    "it is a connection pooler in transaction mode, which loses a session's settings and locks; "
    "give the address of PostgreSQL itself, or of a pooler in session mode"
)
LOOKS = 3


class Postgres:
    """A connection with a session of its own. What hangs is given up: a lock after 5 s, a statement after 7 s.

    One that is `read_only` leaves nothing behind in a session that may be others', too.
    """

    faults: tuple[type[Exception], ...] = (
        psycopg.DataError,
        psycopg.IntegrityError,
        psycopg.ProgrammingError,
        psycopg.errors.ProgramLimitExceeded,
    )
    skip_locked = "FOR UPDATE SKIP LOCKED"
    listed = "SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:listed AS json))"

    def __init__(self, url: str, settings: Mapping[str, str] = SESSION, *, read_only: bool = False) -> None:
        self._raw, self._settings, self._read_only = _connect(url), settings, read_only
        self._raw.read_only = read_only
        if not read_only:
            self._tell(local=False)

    def _tell(self, *, local: bool) -> None:
        told = "SELECT " + ", ".join(["set_config(%s, %s, %s)"] * len(self._settings))
        self._raw.execute(told.encode(), [one for pair in self._settings.items() for one in (*pair, local)])

    def rows(self, sql: str, **values: Any) -> list[Row]:
        """Run a statement and give all its rows."""
        if not self._read_only:
            return list(self._raw.execute(_named(sql), all_storable(values)).fetchall())
        with self._raw.transaction():
            self._tell(local=True)
            return list(self._raw.execute(_named(sql), all_storable(values)).fetchall())

    def count(self, sql: str, **values: Any) -> int:
        """Run a statement and give the number of rows it changed."""
        return self._raw.execute(_named(sql), all_storable(values)).rowcount

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

    def abort(self) -> None:
        """End the connection under whoever waits for it: the only way out of a server that does not answer at all."""
        with socket.socket(fileno=os.dup(self._raw.pgconn.socket)) as line:
            line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it."""
        self._raw.close()


def _connect(url: str) -> psycopg.Connection[dict[str, Any]]:
    return psycopg.connect(
        url,
        autocommit=True,
        row_factory=dict_row,
        connect_timeout=CONNECT_WITHIN,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=2,
    )


def _refuse_pooler(url: str) -> None:
    """Raises WrongSettings where sessions are not ours alone.

    A pooler in transaction mode gives the server that one of us just used to the other, or another one meanwhile.
    """
    with closing(_connect(url)) as one, closing(_connect(url)) as other:
        mine = _server(one)
        for _ in range(LOOKS):
            other.execute("BEGIN")
            if _server(other) == mine or _server(one) != mine:
                raise WrongSettings(f"HANDRAIL_STORE: {_where(url)} cannot be used: {POOLED}")
            other.execute("COMMIT")


def _server(connection: psycopg.Connection[dict[str, Any]]) -> int:
    (row,) = connection.execute("SELECT pg_backend_pid() AS pid").fetchall()
    return int(row["pid"])


def _where(url: str) -> str:
    where = urlsplit(url)
    return f"PostgreSQL at {where.hostname}:{where.port or 5432}"


def open_postgres(url: str) -> Engine:
    """The engine of a database, which is brought up to date first, by one receiver at a time.

    Raises WrongSettings when it cannot be reached or used.
    """
    try:
        _refuse_pooler(url)
        with closing(Postgres(url, MIGRATION)) as first:
            first.rows("SELECT pg_advisory_lock(hashtextextended('handrail migrate', 0))")
            migrate(first, "postgres")
    except psycopg.Error as error:
        said = without_password(" ".join(str(error).split()), url)
        raise WrongSettings(
            f"HANDRAIL_STORE: {_where(url)} cannot be used ({said}); "
            "correct the address, or give our user the right to make tables"
        ) from None
    again = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
    return Engine(lambda: Postgres(url), (psycopg.Error,), again, shared=True)


@functools.cache
def _named(sql: str) -> bytes:
    """`:name` → what psycopg calls a named value. Statements are our own, and few."""
    return NAMED.sub(r"%(\1)s", sql.replace("%", "%%")).encode()
