"""A URL, a rate and a limit → orders that arrive at that rate until the limit or the end of the block."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

IN_FLIGHT = 64


@dataclass
class Load:
    """What the customers saw: requests sent, answers by status, and those that got no answer at all."""

    sent: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0

    @property
    def failed(self) -> int:
        """Orders that came to nothing."""
        return self.unanswered + sum(number for status, number in self.answers.items() if status >= 500)


@contextmanager
def load(url: str, *, per_second: int, seconds: float) -> Iterator[Load]:
    """Post orders to `url` from a thread of its own, `seconds` long at most."""
    seen, stop = Load(), threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_send(url, seen, stop, per_second, seconds)), name="load", daemon=True
    )
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join(timeout=10)


async def _send(url: str, seen: Load, stop: threading.Event, per_second: int, seconds: float) -> None:
    began, room = time.monotonic(), asyncio.Semaphore(IN_FLIGHT)
    limits = httpx.Limits(max_connections=IN_FLIGHT)
    async with (
        httpx.AsyncClient(timeout=5, limits=limits, trust_env=False) as client,
        asyncio.TaskGroup() as group,
    ):
        while not stop.is_set() and seen.sent < per_second * seconds:
            await room.acquire()
            group.create_task(_order(client, url, seen, room))
            seen.sent += 1
            await asyncio.sleep(began + seen.sent / per_second - time.monotonic())


async def _order(client: httpx.AsyncClient, url: str, seen: Load, room: asyncio.Semaphore) -> None:
    try:
        answer = await client.post(url, json={"cart": ["tea", "cup"]})
    except httpx.TransportError:
        seen.unanswered += 1
    else:
        seen.answers[answer.status_code] += 1
    finally:
        room.release()
