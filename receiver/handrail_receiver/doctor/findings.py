"""One thing that was looked at: how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a thing is; `unknown` where nobody could be asked, or where it cannot show yet."""

    ok = "ok"
    failed = "FAILED"
    unknown = "unknown"


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it is, what was seen, and the cure where it is not well."""

    what: str
    health: Health
    text: str
    cure: str = ""


def ok(what: str, text: str) -> Finding:
    """It is well."""
    return Finding(what, Health.ok, text)


def failed(what: str, text: str, cure: str) -> Finding:
    """It is not, and `cure` says what to do."""
    return Finding(what, Health.failed, text, cure)


def unknown(what: str, text: str, cure: str) -> Finding:
    """Nobody can say; `cure` says what would let somebody."""
    return Finding(what, Health.unknown, text, cure)
