"""Whether it is known what fires: not after the start, nor after the store was away, until everybody was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from handrail_receiver.ports import Clock


@dataclass
class Doubts:
    """Each doubt has a number, and is over once everybody was asked after it began."""

    clock: Clock
    newest: int = 0
    _heard: int = -1
    _began: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock.now()

    @property
    def since(self) -> datetime | None:
        """When the newest doubt began; None where it is known what fires."""
        return None if self._heard == self.newest else self._began

    def begin(self) -> None:
        """Something may have been sent that was not taken."""
        self.newest, self._began = self.newest + 1, self.clock.now()

    def end(self, number: int) -> None:
        """Everybody was asked after this one had begun."""
        self._heard = number
