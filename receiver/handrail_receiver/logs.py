"""Log records → lines on stderr without any secret."""

from __future__ import annotations

import logging
from collections.abc import Callable


class Redacted(logging.Formatter):
    """One line for each record; what `redact` knows as a secret is not in it, tracebacks included."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return self._redact(super().format(record))


def log_to_stderr(level: str, redact: Callable[[str], str]) -> None:
    """Send every logger's records to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(Redacted(redact))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("stamina").setLevel(logging.ERROR)  # it says that something is tried again, not what
