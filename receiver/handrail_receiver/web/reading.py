"""What is wrong with an attempt that another version wrote → a line."""

from __future__ import annotations


def cannot_be_read(error: Exception) -> str:
    """What is wrong with an attempt that another version wrote, on one line."""
    return " ".join(f"its attempt cannot be read ({type(error).__name__}: {error})".split())[:300]
