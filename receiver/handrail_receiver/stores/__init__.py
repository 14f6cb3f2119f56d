"""HANDRAIL_STORE → a Store."""

from __future__ import annotations

from pathlib import Path

from handrail_receiver.errors import WrongSettings
from handrail_receiver.stores.sql import Store, store_on
from handrail_receiver.stores.sqlite import open_sqlite

__all__ = ["Store", "open_store"]


def open_store(url: str, inbox_limit: int) -> Store:
    """The store at `sqlite:PATH`, made or brought up to date.

    Raises WrongSettings when it cannot be opened.
    """
    if url.startswith("sqlite:"):
        return store_on(open_sqlite(Path(url.removeprefix("sqlite:"))), inbox_limit)
    raise WrongSettings(f"HANDRAIL_STORE: {url!r} is not a store; write sqlite:PATH")
