"""The machine's time, put right by the database's where receivers share one → an instant."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

LONGEST_ANSWER = 1.0
"""An answer that took longer, in seconds, says too little about the time."""


@dataclass
class SystemClock:
    """The time of this machine, or the one that it follows: then all receivers of a database have the same."""

    _ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """This instant, in UTC."""
        return datetime.now(UTC) + self._ahead

    def follow(self, theirs: datetime, took: float) -> None:
        """Go by a clock that said `theirs`, `took` seconds after it was asked."""
        if took <= LONGEST_ANSWER:
            self._ahead = theirs + timedelta(seconds=took / 2) - datetime.now(UTC)
