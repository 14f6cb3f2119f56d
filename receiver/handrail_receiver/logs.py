"""Log records → lines on stderr: without any secret, and without a line that somebody else wrote."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def printable(text: str) -> str:
    """`text` on one line: what ends a line, moves a cursor or turns the reading direction is written as its code."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


class Redacted(logging.Formatter):
    """One line for each record, and below it an indented one for each of a traceback; none holds a secret.

    A label, a name or a person's words may hold any letter: none of them begins a line of its own.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._redact = redact

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's spelling
        """The record's own line."""
        return printable(self._redact(super().formatMessage(record)))

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802
        """The lines of its traceback."""
        lines = self._redact(super().formatException(ei)).splitlines()
        return "\n".join(f"  {printable(line)}" for line in lines)


def log_to_stderr(level: str, redact: Callable[[str], str]) -> None:
    """Send every logger's records to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(Redacted(redact))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("stamina").setLevel(logging.ERROR)  # it says that something is tried again, not what
