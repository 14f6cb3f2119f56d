"""Work that is done side by side → all of it ended, and nothing of it left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def together(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all at once. A fault in one stops the others, each once so that it ends as it should, and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None


async def end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel them, and wait until none goes on; how each of them ended is not asked."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
