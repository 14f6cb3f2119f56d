"""Whether it is known what fires: not after an absence, until everybody was asked what fires and what fired meanwhile.

We were away before the start, while the store was, and while nobody let us run: a machine that slept or was moved, a
process that was stopped. Whatever is due by then waits for the answers.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handrail_receiver.ports import Clock

AWAY = timedelta(seconds=20)
"""Who has not looked at the time for so long was away; while the store hangs, it is looked at twice as often."""


@dataclass
class Doubts:
    """Each doubt has a number, and is over once everybody was asked after it began; `asks` is set to ask at once."""

    clock: Clock
    newest: int = 0
    asks: asyncio.Event = field(default_factory=asyncio.Event)
    _heard: int = -1
    _began: datetime = field(init=False)
    _looked: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._began = self._looked = self.clock.now()

    def since(self) -> datetime | None:
        """When the newest doubt began; None where it is known what fires. It is to be asked every few seconds."""
        now, before = self.clock.now(), self._looked
        self._looked = now
        if now - before > AWAY:
            self.begin()
            self.asks.set()
        return None if self._heard == self.newest else self._began

    def begin(self) -> None:
        """Something may have been sent that was not taken."""
        self.newest, self._began = self.newest + 1, self.clock.now()

    def end(self, number: int) -> None:
        """Everybody was asked after this one had begun."""
        self._heard = number
