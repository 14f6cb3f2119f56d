"""The criteria of a gate, as a playbook has them → for how much of the stage before they must have been seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.contract import SEEN_FOR


@dataclass(frozen=True)
class SeenFor:
    """There must have been data for each criterion, and traffic enough to judge it by, for these shares (0..1)."""

    data: float
    traffic: float


def seen_for(criteria: Sequence[Mapping[str, Any]]) -> SeenFor | None:
    """None where no criterion looks back over the stage."""
    shares = [
        (one.get("coverage", SEEN_FOR), one["there_for"] if one.get("there") else None)
        for one in criteria
        if one.get("over") and not one.get("events")
    ]
    if not shares:
        return None
    return SeenFor(
        data=min(judged if there is None else there for judged, there in shares),
        traffic=min(judged for judged, _ in shares),
    )
