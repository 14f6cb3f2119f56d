"""A SQLite store in use → a whole copy of it in one file."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from handrail_receiver.errors import StoreDown, WrongSettings
from handrail_receiver.store_commands.opening import SQLITE, connected, file_of, opened
from handrail_receiver.store_commands.verify import VerifyView, verify


def back_up(url: str, copy: Path) -> VerifyView:
    """Copy the store as it is in one instant, check the copy, and give it its name only then.

    The receiver goes on meanwhile. Raises WrongSettings when it cannot be done this way, StoreDown when it failed.
    """
    if not url.startswith(SQLITE):
        raise WrongSettings(
            "PostgreSQL makes its own copies, while receivers run: "
            "pg_dump --format=custom --file=FILE postgresql://USER@HOST:PORT/DATABASE"
        )
    if copy.exists():
        raise WrongSettings(f"{copy} is there already; name a new file")
    with opened(url):  # it is a store of ours, and of this version
        part = copy.with_name(f".{copy.name}.part")
    try:
        _copy(file_of(url), part)
        with opened(f"{SQLITE}{part}") as store:
            report = verify(store)
        part.rename(copy)
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise StoreDown(
            f"{copy} cannot be made: {why}; name a file in a folder that has room for it"
        ) from None
    finally:
        part.unlink(missing_ok=True)
    _kept(copy.parent)
    return report


def _copy(file: Path, part: Path) -> None:
    """All pages in one step: what is committed meanwhile is not in it."""
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    with connected(file) as source, closing(sqlite3.connect(part, isolation_level=None)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it


def _kept(folder: Path) -> None:
    """Let the name of a new file survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
