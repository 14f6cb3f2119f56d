"""A loop → one that is restarted after an error of our own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger("handrail")


async def run_forever(loop: Callable[[], Awaitable[None]], pause: float = 1.0) -> None:
    """Run `loop` until cancelled. What it did not expect is logged, and it begins again after `pause` seconds.

    A receiver whose guard has ended would answer 200 to every alert and do nothing.
    """
    while True:
        try:
            await loop()
        except Exception:
            log.exception("a fault in %s; it begins again", getattr(loop, "__qualname__", loop))
        await asyncio.sleep(pause)
