"""What every declaration is made with: `@declared`, the place it was written at, and refusals in words."""

from handrail.base.declared import (
    Broken,
    Reading,
    Stumbled,
    active,
    declared,
    is_broken,
    script_of,
    where_of,
)

__all__ = [
    "Broken",
    "Reading",
    "Stumbled",
    "active",
    "declared",
    "is_broken",
    "script_of",
    "where_of",
]
