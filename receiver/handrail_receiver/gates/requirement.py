"""One requirement of a gate: what it is called, whether it is met, why, and what helps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal[
    "window", "order", "bake", "criterion", "firing", "stable", "probe", "checks", "check", "approval"
]

ONCE_BAKED = "judged after the bake time"
"""Why what is asked once the stage has baked is not met before."""


@dataclass(frozen=True)
class Requirement:
    """One requirement of a gate: whether it is met, why or why not, and the command that helps (empty: none does).

    `known` False: nobody can say whether it is, for lack of data or of an answer.
    """

    kind: Kind
    name: str
    met: bool
    text: str
    cure: str = ""
    by: str = ""
    at: datetime | None = None
    until: datetime | None = None
    known: bool = True

    @property
    def why(self) -> str:
        """Why or why not, to stand beside its name."""
        return self.text.removeprefix(f"{self.name}: ")
