"""Path of a file → an Engine on SQLite: WAL, synchronous=FULL, one receiver at a time."""

from __future__ import annotations

import fcntl
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from handrail_receiver.errors import WrongSettings
from handrail_receiver.store.engine import Engine, Row, all_storable, insertions
from handrail_receiver.store.migrate import migrate


class SQLite:
    """A connection. SQLite has one writer, so that a transaction that writes holds every lock."""

    faults: tuple[type[Exception], ...] = (
        sqlite3.DataError,
        sqlite3.IntegrityError,
        sqlite3.InterfaceError,
        sqlite3.ProgrammingError,
    )
    skip_locked = ""
    listed = "SELECT value FROM json_each(:listed)"

    def __init__(self, path: Path) -> None:
        self._raw = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=5.0, cached_statements=256
        )
        self._raw.row_factory = sqlite3.Row
        self._raw.create_function("database_clock", 0, time.time)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._raw.execute(f"PRAGMA {pragma}")

    def rows(self, sql: str, **values: Any) -> list[Row]:
        """Run a statement and give all its rows."""
        return self._raw.execute(sql, all_storable(values)).fetchall()

    def count(self, sql: str, **values: Any) -> int:
        """Run a statement and give the number of rows it changed."""
        return self._raw.execute(sql, all_storable(values)).rowcount

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows to a table."""
        for sql, values in insertions(table, columns, rows, "?"):
            self._raw.execute(sql, values)

    def lock(self, name: str) -> None:
        """Nothing to do: BEGIN IMMEDIATE holds the whole file."""

    def begin(self, *, reads: bool) -> None:
        """Begin a transaction."""
        self._raw.execute("BEGIN" if reads else "BEGIN IMMEDIATE")

    def end(self, word: str) -> None:
        """COMMIT or ROLLBACK."""
        if word != "ROLLBACK" or self._raw.in_transaction:
            self._raw.execute(word)

    def script(self, text: str) -> None:
        """Run the statements of a migration, all or none."""
        try:
            self._raw.executescript(f"BEGIN IMMEDIATE;{text};COMMIT;")
        except sqlite3.Error:
            self.end("ROLLBACK")
            raise

    def abort(self) -> None:
        """End the statement that runs."""
        self._raw.interrupt()

    def close(self) -> None:
        """Close it."""
        self._raw.close()


def open_sqlite(path: Path) -> Engine:
    """The engine of a file, which is made or brought up to date first.

    Raises WrongSettings when the file cannot be used or another receiver uses it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _only_one(path)
        _prepare(path, lock)
    except (OSError, sqlite3.Error) as error:
        raise WrongSettings(
            f"HANDRAIL_STORE: {path} cannot be used ({error}); name a file we may write"
        ) from None

    return Engine(lambda: SQLite(path), (sqlite3.Error,), on_close=lock.close)


def _prepare(path: Path, lock: IO[str]) -> None:
    try:
        with closing(SQLite(path)) as first:
            migrate(first, "sqlite")
            # Whoever held a lease is dead, since nobody else has the file: nothing waits for it to run out.
            first.count(
                "UPDATE attempt SET owner = NULL, leased_until = 0, fence = fence + 1 WHERE owner IS NOT NULL"
            )
    except BaseException:
        lock.close()
        raise


def _only_one(path: Path) -> IO[str]:
    file = path.with_name(path.name + ".lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise WrongSettings(
            f"HANDRAIL_STORE: another receiver uses {path}; end it, or let several share a PostgreSQL"
        ) from None
    return file
