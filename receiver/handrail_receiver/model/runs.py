"""A run: one action that is carried out, with the effect on each node of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handrail.contract import Confirmation, Proof, Step, names

from handrail_receiver.errors import Cause


class RunState(StrEnum):
    """Where one action of an attempt stands: the first three are open, the others final."""

    waiting = "waiting"
    open = "open"
    proving = "proving"
    done = "done"
    proved = "proved"
    failed = "failed"
    unproved = "unproved"
    withdrawn = "withdrawn"
    superseded = "superseded"


OPEN = frozenset({RunState.waiting, RunState.open, RunState.proving})

WORKED = frozenset({RunState.done, RunState.proved})

NEVER_BEGUN = frozenset({RunState.waiting, RunState.withdrawn, RunState.superseded})
"""What came to nothing, or has not begun yet."""

BROKEN = frozenset({RunState.failed, RunState.unproved})

ENTERING = ("start", "promote")
"""The actions that enter a stage: they give the canary more."""

SHARING = (*ENTERING, names.REDUCE)
"""What sets the share of traffic of an attempt that goes forward: a stage is entered, or it is reduced."""


class EffectState(StrEnum):
    """The state of one step. `intended` is recorded before anything is asked of the target.

    `left` is a step whose target is decided about by a stronger action of the same attempt.
    """

    intended = "intended"
    done = "done"
    already = "already"
    failed = "failed"
    skipped = "skipped"
    left = "left"


@dataclass(frozen=True)
class Effect:
    """One step of a run, and the result."""

    position: int
    step: Step
    state: EffectState = EffectState.intended
    found: str = ""
    cause: Cause | None = None


@dataclass(frozen=True)
class Run:
    """One action of one attempt, carried out once: (attempt, action, key, round) is unique in the store."""

    id: int
    attempt: int
    rollout: str
    action: str
    key: str
    round: int
    state: RunState
    asked_by: str
    reason: str
    detected_at: datetime
    decided_at: datetime
    due_at: datetime
    acted_at: datetime | None = None
    finished_at: datetime | None = None
    effects: tuple[Effect, ...] = ()
    proof: Proof | None = None
    confirmation: Confirmation | None = None
    text: str = ""
    fence: int = 0

    @property
    def broken(self) -> str:
        """Why it did not get through, as its attempt is held for it; empty for every other run."""
        return f"{self.action} {self.state}: {self.text}" if self.state in BROKEN else ""

    @property
    def measured(self) -> Mapping[str, datetime | None]:
        """The four instants that are measured of a rollback, None for what did not happen (yet)."""
        proved_at = self.finished_at if self.state == RunState.proved else None
        return {
            "detected": self.detected_at,
            "decided": self.decided_at,
            "acted": self.acted_at,
            "proved": proved_at,
        }
