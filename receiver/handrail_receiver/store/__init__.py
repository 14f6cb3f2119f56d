"""HANDRAIL_STORE → a Store."""

from __future__ import annotations

from pathlib import Path

from handrail_receiver.errors import WrongSettings
from handrail_receiver.store.engine import Engine
from handrail_receiver.store.sql import Store, store_on
from handrail_receiver.store.sqlite import open_sqlite

__all__ = ["Store", "open_store"]


def open_store(url: str, inbox_limit: int) -> Store:
    """The store at `sqlite:PATH` or `postgresql://…`, made or brought up to date.

    Raises WrongSettings when it cannot be opened.
    """
    if url.startswith("sqlite:"):
        return store_on(open_sqlite(Path(url.removeprefix("sqlite:"))), inbox_limit)
    if url.startswith(("postgresql:", "postgres:")):
        return store_on(_postgres(url), inbox_limit)
    raise WrongSettings(
        "HANDRAIL_STORE: this is not a store; write sqlite:PATH or postgresql://USER@HOST:PORT/DATABASE"
    )


def _postgres(url: str) -> Engine:
    try:
        from handrail_receiver.store.postgres import open_postgres  # noqa: PLC0415  an extra of its own
    except ImportError:
        raise WrongSettings(
            "HANDRAIL_STORE: PostgreSQL needs its driver; pip install 'handrail[postgres]'"
        ) from None
    return open_postgres(url)
