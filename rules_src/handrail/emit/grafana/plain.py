"""An object of the foundation SDK → the dicts, lists and scalars that its own encoder would write."""

from __future__ import annotations

from enum import Enum
from typing import Any


def plain(thing: Any) -> Any:
    """What JSON has of it."""
    if isinstance(thing, Enum):
        return thing.value
    if isinstance(thing, dict):
        return {key: plain(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [plain(value) for value in thing]
    return plain(thing.to_json()) if hasattr(thing, "to_json") else thing
