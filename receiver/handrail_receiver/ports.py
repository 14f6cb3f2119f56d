"""What the receiver needs from the outside, as Protocols of at most three methods.

Every adapter raises `Retryable` or `Permanent` from `errors`, and nothing else, for what the outside did.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from handrail.contract import Step


class Clock(Protocol):
    """The time: passed in, so that a test can hold it still."""

    def now(self) -> datetime:
        """This instant, timezone-aware UTC."""


@dataclass(frozen=True)
class Reading:
    """What a target holds: whether that is what the step asks for, and the state in words for the evidence."""

    done: bool
    found: str


@dataclass(frozen=True)
class Rehearsal:
    """Whether a step could be carried out now, why or why not, the step with its values pinned, and the exact call.

    `step` has no open value any more: what was "as it is now" (`image=None`, `value=None`) is filled in.
    `call` is what `act` would send, in words that hold no secret.
    """

    ready: bool
    reason: str
    step: Step
    call: str


class Target(Protocol):
    """Something an action changes. Values are absolute; doing it twice is the same as doing it once."""

    async def rehearse(self, step: Any) -> Rehearsal:
        """Check address, credentials, permissions and existence by reading only, and pin open values."""

    async def read(self, step: Any) -> Reading:
        """Read what the target holds now and compare it with what `step` asks for."""

    async def act(self, step: Any) -> None:
        """Ask the target to do `step`. Returning does not prove that it is done: `read` does."""
