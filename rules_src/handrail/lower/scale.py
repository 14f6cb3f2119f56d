"""Durations as written → durations as they run in this environment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from handrail import units


@dataclass(frozen=True)
class Scale:
    """How much faster than declared everything runs: 1 in production, more in a rehearsal."""

    faster: int = 1

    def duration(self, text: str) -> timedelta:
        """`text` as it runs here, to the millisecond."""
        return self.time(units.duration(text))

    def time(self, written: timedelta) -> timedelta:
        """The same for a time that is already parsed."""
        return (
            timedelta(milliseconds=max(1, round(written / timedelta(milliseconds=self.faster))))
            if written
            else written
        )

    def maybe(self, text: str | None) -> timedelta | None:
        """The same, where there may be none."""
        return None if text is None else self.duration(text)
