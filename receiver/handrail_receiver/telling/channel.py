"""What a channel must do, as a Protocol."""

from __future__ import annotations

from typing import Any, Protocol

from handrail_receiver.telling.incident import ToldIncident


class Channel(Protocol):
    """Somewhere people look. It is told the whole state each time, so a lost or repeated call does no harm.

    `opens_first`: it keeps incidents, and must hear that one was opened before it hears anything else of it.
    `longest` is how many characters of text it takes.
    """

    opens_first: bool
    longest: int

    async def send(self, to: Any, incident: ToldIncident, text: str, receipt: str) -> str:
        """Tell `to` (a channel of the contract) about `incident`; `text` says it in this channel's own writing.

        `receipt` is what the last call about this incident returned for `to`, and empty at first: whoever calls
        keeps it. Raises Retryable or Permanent.
        """

    def writing(self) -> Writing:
        """How text is written here."""


class Writing(Protocol):
    """How one channel writes: what it must escape, and how it marks a link and something strong."""

    def escape(self, text: str) -> str:
        """`text` so that it reads as it is, whatever is in it."""

    def link(self, text: str, url: str) -> str:
        """A link; both parts are escaped here."""

    def strong(self, text: str) -> str:
        """Something to be seen first; escaped here."""


class Plain:
    """Text without any markup."""

    def escape(self, text: str) -> str:
        """As it is."""
        return text

    def link(self, text: str, url: str) -> str:
        """`text: url`."""
        return f"{text}: {url}"

    def strong(self, text: str) -> str:
        """As it is."""
        return text
