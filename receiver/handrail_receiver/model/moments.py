"""An attempt and what is declared for a moment of its stage → what the evidence knows that by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.contract import BurstFacts, CheckFacts

from handrail_receiver.model.attempts import Attempt

Declared = CheckFacts | BurstFacts
LATE = timedelta(minutes=1)
"""What is made so long after its time is late."""
SET_BACK = timedelta(seconds=5)
"""What we noted ourselves and lies so far ahead of now was noted before the machine's clock was set back."""


def entry_key(attempt: Attempt) -> str:
    """What begins the keys of all that is made while the attempt is in its stage, entered when it was."""
    return f"{attempt.id}/{attempt.stage_entered_at.timestamp():.0f}/"


def moment_key(attempt: Attempt, declared: Declared) -> str:
    """The key of one check or load burst."""
    kind = f"burst/{declared.stage}/" if isinstance(declared, BurstFacts) else ""
    name = f"/{declared.name}" if declared.name else ""
    return f"{entry_key(attempt)}{kind}{declared.at:g}{name}"


@dataclass(frozen=True)
class ScheduledCheck:
    """A check that is to be made now, of `stage`, which may have been `left` by then. `key` is what it is known by."""

    key: str
    stage: str
    check: CheckFacts
    due_at: datetime
    left: bool = False

    def is_late(self, now: datetime) -> bool:
        """Whether its time was long ago."""
        return now - self.due_at >= LATE
