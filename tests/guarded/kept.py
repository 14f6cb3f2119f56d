"""What an executor needs of a store, in memory: for tests of how steps are carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handrail_receiver.model import Progress, Run


@dataclass
class Kept:
    """The result of a run."""

    progress: list[Progress] = field(default_factory=list)

    async def lease(self, _owner: str, _at: datetime, _lasting: timedelta) -> list[Run]:
        return []

    async def record(self, _run: Run, progress: Progress, _at: datetime) -> None:
        self.progress.append(progress)

    async def renew(self, _run: Run, _lasting: timedelta) -> None:
        pass


class Unfenced:
    """Nobody else works on it, and nothing was under way before."""

    async def hold(self, _run: Run) -> None:
        pass

    async def settles_at(self, _run: Run) -> None:
        return None
