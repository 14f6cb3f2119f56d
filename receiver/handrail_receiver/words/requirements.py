"""What a gate asks for, as the API answers it → whether that is met, in a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def whether_met(ask: Mapping[str, Any]) -> str:
    """`met`, `not met`, or `unknown` where it could not be found out."""
    return "met" if ask["met"] else "not met" if ask["known"] else "unknown"
