"""Who said or did something, and what → a sentence that names them once."""

from __future__ import annotations

import re
from collections.abc import Sequence

ALERT = "alert"


def names_them(by: str, text: str) -> bool:
    """Whether a text says already who it was."""
    return re.search(rf"(?<![\w-]){re.escape(by)}(?![\w-])", text) is not None


def asked_by(by: str, text: str) -> str:
    """` (asked by alice)`, to follow a text that does not say so; empty where an alert did, or nobody."""
    return "" if by in {ALERT, ""} or names_them(by, text) else f" (asked by {by})"


def whose(by: str, text: str) -> str:
    """`alice: on it`; the text alone where it begins with who it was, and who alone where there is no text."""
    if text.startswith(by) and names_them(by, text):
        return text
    return f"{by}: {text}" if text else by


def happened_by(event: str, by: str, text: str) -> str:
    """`acknowledged by alice: on it`; `opened: alice asked for a rollback`, where the text says who it was."""
    said = whose(by, text)
    return f"{event}: {text}" if said == text else f"{event} by {said}"


def fire(sources: Sequence[str]) -> str:
    """`errors/critical fires`, or `errors/critical, errors/blind fire`."""
    return f"{', '.join(sources)} {'fires' if len(sources) == 1 else 'fire'}"
