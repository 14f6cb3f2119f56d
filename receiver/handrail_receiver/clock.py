"""The machine's time → an instant."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """This instant, in UTC."""
        return datetime.now(UTC)
