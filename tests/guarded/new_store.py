"""A path → an SQLite store there, as a first start leaves it.

It is a copy: to make its tables takes eight times the processor time, and hundreds of tests begin with an empty store.
"""

from __future__ import annotations

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from handrail_receiver.store import open_store


def new_store(path: Path) -> str:
    """What the receiver is told of it: `sqlite:PATH`."""
    path.write_bytes(_made())
    return f"sqlite:{path}"


@cache
def _made() -> bytes:
    with tempfile.TemporaryDirectory(prefix="handrail-store-") as folder:
        path = Path(folder) / "handrail.db"
        with ThreadPoolExecutor(1) as beside:  # a test that has a loop of its own
            beside.submit(asyncio.run, open_store(f"sqlite:{path}", 1).engine.close()).result()
        return path.read_bytes()
