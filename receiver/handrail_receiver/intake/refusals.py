"""Deliveries that were refused for good → why people must be told: what they said is lost.

Only those of a sender with a valid token count. Anybody can be refused without one, and nobody should be able
to wake people that way; a wrong token in Alertmanager keeps the heartbeat away too, and that is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

QUIET = timedelta(hours=1)


@dataclass
class Refusals:
    """The newest refusal, until QUIET has passed without another. `since` is when we began to listen."""

    since: datetime
    _at: datetime | None = None
    _why: str = ""

    def note(self, sender: str, status: int, text: str, at: datetime) -> None:
        """A delivery of `sender` was refused with 400, 403 or 413."""
        self._at, self._why = at, f"{sender} was refused with {status}: {text}"

    def why(self, now: datetime) -> str:
        """What is refused, empty when nothing was for a while."""
        return self._why if self._at is not None and now - self._at < QUIET else ""

    def quiet(self, now: datetime) -> bool:
        """Whether we listened for as long as QUIET and nothing was refused."""
        return now - (self._at or self.since) >= QUIET
