"""The store → whether it takes writes and its inbox is worked off, probed every few seconds.

All who ask share one small write, so that nobody can load the disk by asking.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handrail_receiver.errors import StoreDown
from handrail_receiver.ports import Clock, Inbox, Memory

EVERY = 5.0
OFTEN = 1.0
ANSWER_WITHIN = 2.0
SIGN_OF_LIFE = "ready"
WAITS_LONG = timedelta(seconds=30)


@dataclass
class StoreProbe:
    """`trouble` is why the newest write of anybody failed, `waiting` how many deliveries the store holds undecided."""

    memory: Memory
    inbox: Inbox
    clock: Clock
    trouble: Callable[[], str] = str
    waiting: int = 0
    _found: str = ""
    _asked_at: float = -OFTEN
    _waits_since: datetime | None = None
    _beat: asyncio.Task[int] | None = field(default=None, repr=False)

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self.beat()
            await asyncio.sleep(EVERY)

    async def beat(self) -> None:
        """Probe once, at most every second. A probe without an answer yet is awaited, not repeated."""
        now = time.monotonic()
        if self._beat is None and now - self._asked_at < OFTEN:
            return
        self._asked_at = now
        beat = self._beat = self._beat or asyncio.create_task(self._ask())
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                self.waiting = await asyncio.shield(beat)
        except TimeoutError:
            self._found = f"the store does not answer within {ANSWER_WITHIN:g} s; see to its disk or server"
        except StoreDown as error:
            self._found = str(error)
        else:
            self._found = ""
            self._waits_since = (self._waits_since or self.clock.now()) if self.waiting else None
        finally:
            if beat.done():
                self._beat = None

    @property
    def problem(self) -> str:
        """Why the store takes no writes; empty while it does."""
        return self._found or self.trouble()

    @property
    def stuck(self) -> str:
        """Why deliveries are kept and not decided; empty while they are decided."""
        since = self._waits_since
        if since is None or self.clock.now() - since < WAITS_LONG:
            return ""
        return f"{self.waiting} deliveries wait to be decided since {since:%H:%M:%S} UTC; look into the log"

    async def _ask(self) -> int:
        await self.memory.remember(SIGN_OF_LIFE, self.clock.now())
        return await self.inbox.waiting()
