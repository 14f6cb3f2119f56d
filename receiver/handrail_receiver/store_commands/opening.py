"""HANDRAIL_STORE → the store opened for reading alone, while a receiver may be using it.

A SQLite file that nobody uses is opened as one that does not change: so nothing is made beside it, which could
belong to another user than the receiver's. In use, it is read as any reader of a WAL does, who holds up no writer.
"""

from __future__ import annotations

import os
import sqlite3
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit, urlunsplit

from handrail_receiver.addresses import shown, without_password
from handrail_receiver.errors import StoreDown, WrongSettings
from handrail_receiver.settings import Settings, settings_file
from handrail_receiver.store.engine import Row
from handrail_receiver.store.migrate import names_of

Kind = Literal["SQLite", "PostgreSQL"]
DIALECTS: dict[Kind, str] = {"SQLite": "sqlite", "PostgreSQL": "postgres"}
SQLITE, POSTGRESQL = "sqlite:", ("postgresql:", "postgres:")


class Reads(Protocol):
    """What can be asked of a store."""

    def rows(self, sql: str, **values: object) -> list[Row]:
        """Run a SELECT and give all its rows."""


@dataclass(frozen=True)
class Opened:
    """A store that is open: where it lies (without a password), and its file when it is one."""

    kind: Kind
    place: str
    reads: Reads
    file: Path | None = None

    def rows(self, sql: str, **values: object) -> list[Row]:
        """Run a SELECT and give all its rows."""
        return self.reads.rows(sql, **values)


def store_url(url: str | None) -> str:
    """The store that is meant: as given, else HANDRAIL_STORE, else the file of settings, else what holds without.

    Raises WrongSettings when the file cannot be read.
    """
    file, default = settings_file(), str(Settings.model_fields["store"].default)
    chosen = url or os.environ.get("HANDRAIL_STORE")
    if chosen or not file:
        return chosen or default
    try:
        return str(tomllib.loads(file.read_text(encoding="utf-8")).get("store", default))
    except (OSError, ValueError) as error:
        raise WrongSettings(
            f"HANDRAIL_SETTINGS: {file}: {error}; name the store with --store or HANDRAIL_STORE"
        ) from None


@contextmanager
def opened(url: str) -> Iterator[Opened]:
    """The store until the block ends.

    Raises WrongSettings when it is not there or of a newer version, StoreDown when it cannot be read (any more).
    """
    with _sqlite(file_of(url)) if url.startswith(SQLITE) else _postgres(url) as store:
        _check_version(store)
        yield store


def file_of(url: str) -> Path:
    """The file of a SQLite store. Raises WrongSettings when there is none."""
    file = Path(url.removeprefix(SQLITE)).absolute()
    try:
        exists = file.is_file()
    except PermissionError:
        raise StoreDown(_forbidden(file)) from None
    if not exists:
        raise WrongSettings(
            f"{file}: there is no such file; name the store with --store, HANDRAIL_STORE or HANDRAIL_SETTINGS"
        )
    return file


@contextmanager
def connected(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads. Raises sqlite3.Error, and StoreDown when a receiver began to use it meanwhile."""
    wal = file.with_name(f"{file.name}-wal")
    alone = not wal.exists()  # whoever uses the file makes that one first
    address = f"{file.as_uri()}?mode=ro{'&immutable=1' if alone else ''}"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection
    if alone and wal.exists():
        raise StoreDown(f"a receiver began to use {file} meanwhile; ask again")


class _SQLite:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._raw = connection

    def rows(self, sql: str, **values: Any) -> list[Row]:
        return self._raw.execute(sql, values).fetchall()


@contextmanager
def _sqlite(file: Path) -> Iterator[Opened]:
    try:
        with connected(file) as connection:
            yield Opened("SQLite", str(file), _SQLite(connection), file)
    except sqlite3.Error as error:
        if "open" in str(error) or "readonly" in str(error):
            raise StoreDown(_forbidden(file)) from None
        raise StoreDown(f"{file} cannot be read: {error}; see to its disk, or restore a copy") from None


def _forbidden(file: Path) -> str:
    return f"{file} may not be read by this user; ask as the receiver's: sudo -u handrail handrail store …"


@contextmanager
def _postgres(url: str) -> Iterator[Opened]:
    if not url.startswith(POSTGRESQL):
        raise WrongSettings(
            f"{shown(url)} is not a store; write sqlite:PATH or postgresql://USER@HOST:PORT/DATABASE"
        )
    try:
        import psycopg  # noqa: PLC0415  an extra of its own

        from handrail_receiver.store.postgres import READING, Postgres  # noqa: PLC0415
    except ImportError:
        raise WrongSettings("PostgreSQL needs its driver; pip install 'handrail[postgres]'") from None
    place = _without_password(url)
    try:
        with closing(Postgres(url, READING, read_only=True)) as connection:
            yield Opened("PostgreSQL", place, connection)
    except psycopg.Error as error:
        said = without_password(" ".join(str(error).split()), url)
        raise StoreDown(
            f"{place} cannot be read: {said}; correct the address, or see to the server"
        ) from None


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(("postgresql", f"{user}{parts.hostname or ''}{port}", parts.path, "", ""))


def _check_version(store: Opened) -> None:
    newer = sorted(migrations(store) - set(names_of(DIALECTS[store.kind])))
    if newer:
        raise WrongSettings(
            f"{store.place} is of a newer version than this program ({', '.join(newer)}); "
            "use the `handrail` that the receiver runs with"
        )


def migrations(store: Opened) -> set[str]:
    """The migrations that the store has. Raises WrongSettings when it is none of ours."""
    tables: Mapping[Kind, str] = {
        "SQLite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'migration'",
        "PostgreSQL": "SELECT 1 AS name WHERE to_regclass('migration') IS NOT NULL",
    }
    if not store.rows(tables[store.kind]):
        raise WrongSettings(
            f"{store.place} is not a store of Handrail's; name the one that the receiver uses"
        )
    return {str(row["name"]) for row in store.rows("SELECT name FROM migration")}
