"""A step's field → whether it says what is set, to which value, or by which means.

Two steps with the same identity set the same thing, whatever their values: they share a rate limit, and of two rollbacks
the stronger one decides about it. So each field has exactly one role; without one, the class cannot be imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from types import MappingProxyType
from typing import Annotated, TypeVar, get_type_hints

T = TypeVar("T")


class FieldRole(Enum):
    """What a field says of its step."""

    identity = "what is set: where the step is read back"
    value = "what it is set to"
    means = "how it is reached: credentials, time limits, tries"


Identity = Annotated[T, FieldRole.identity]
Value = Annotated[T, FieldRole.value]
Means = Annotated[T, FieldRole.means]


def roles_of(step: type) -> Mapping[str, FieldRole]:
    """Each field of a class of steps with its role. Raises TypeError for a field that has none, or several."""
    hints = get_type_hints(step, include_extras=True)
    known: dict[str, FieldRole] = {}
    for one in fields(step):
        roles = [mark for mark in getattr(hints[one.name], "__metadata__", ()) if isinstance(mark, FieldRole)]
        if len(roles) != 1:
            raise TypeError(
                f"{step.__name__}.{one.name} has {len(roles)} roles; write one of Identity[…], Value[…], Means[…]"
            )
        known[one.name] = roles[0]
    return MappingProxyType(known)
