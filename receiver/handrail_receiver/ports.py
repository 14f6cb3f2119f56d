"""What the receiver needs from the outside, as Protocols with at most three methods.

For a fault of the outside every adapter raises `Retryable` or `Permanent` from `errors`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from handrail.contract import Step, Tell

from handrail_receiver.errors import Cause
from handrail_receiver.model import (
    Attempt,
    AttemptLine,
    Decision,
    EvidenceRecord,
    History,
    Progress,
    Received,
    Run,
    Settled,
    Stored,
    Telling,
    TellResult,
)


class Clock(Protocol):
    """The time: passed in, so that a test can hold it still."""

    def now(self) -> datetime:
        """This instant, timezone-aware UTC."""


@dataclass(frozen=True)
class Reading:
    """The state of a target: whether it is what the step asks for, and the state in words for the evidence.

    `warning` is an objection to the step, empty if there is none: people are told of it before the step is done.
    """

    done: bool
    found: str
    warning: str = ""


@dataclass(frozen=True)
class Rehearsal:
    """Whether a step could be carried out now, why or why not, the step with its values pinned, and the exact call.

    `step` has no open value any more: what was "as it is now" (`image=None`, `value=None`) is filled in. `call` is
    what `act` would send, without any secret. `cause` is the word for what is not ready. `warning` is an objection to
    the step although it could be done, empty if there is none.
    """

    ready: bool
    reason: str
    step: Step
    call: str
    cause: Cause | None = None
    warning: str = ""


class Target(Protocol):
    """Something an action changes. Values are absolute; doing it twice is the same as doing it once."""

    async def rehearse(self, step: Any) -> Rehearsal:
        """Check address, credentials, permissions and existence by reading only, and pin open values."""

    async def read(self, step: Any) -> Reading:
        """Read what the target holds now and compare it with what `step` asks for."""

    async def act(self, step: Any) -> None:
        """Ask the target to do `step`. Returning does not prove that it is done: `read` does."""


Look = Callable[[str], History]
Judge = Callable[[Stored, Look], Iterable[Decision]]


class Inbox(Protocol):
    """What was delivered. `put` returns when it is on disk; `settle` decides, once for each delivery."""

    def put(self, received: Received) -> Awaitable[None]:
        """Keep a delivery. Raises Full or StoreDown: then nothing was kept."""

    async def settle(self, judge: Judge, at: datetime, limit: int) -> list[Settled]:
        """Judge the oldest undecided deliveries and write their decisions into the store, all in one write.

        The judge yields decisions one by one; each is applied before the next, so that the next sees its effects.
        """

    async def waiting(self) -> int:
        """How many are not decided yet."""


class Attempts(Protocol):
    """The attempts of each rollout, their runs and what was said in them."""

    async def apply(self, rollout: str, decide: Callable[[History], Decision], at: datetime) -> Decision:
        """Decide on the history of a rollout and carry the decision into the store, in one write."""

    async def history(self, rollout: str, at: datetime) -> History:
        """What was done and said in the newest attempt."""

    async def current(self) -> list[Attempt]:
        """The newest attempt of each rollout, where that is live or rolled back; one that cannot be read is left out."""


class Archive(Protocol):
    """Many rollouts at once, and earlier attempts: for those who look, and nobody else."""

    async def newest(self, rollouts: Sequence[str], at: datetime) -> dict[str, History]:
        """The newest history of each rollout; one that cannot be read is logged and left out."""

    async def attempts(self, rollout: str, limit: int) -> list[AttemptLine]:
        """A line for each attempt of a rollout, the newest first."""

    async def attempt(
        self, rollout: str, number: int, at: datetime, limit: int
    ) -> tuple[History, list[EvidenceRecord]] | None:
        """One attempt and the newest records from its time, oldest first; None where there is no such attempt."""


class Runs(Protocol):
    """What is to be carried out. A run is leased with its attempt: one receiver works on an attempt at a time."""

    async def lease(self, owner: str, at: datetime, ttl: timedelta) -> list[Run]:
        """The runs that are due now and that nobody else works on; they are `owner`'s for that long."""

    async def record(self, run: Run, progress: Progress, at: datetime) -> None:
        """Note the result, and prolong nothing; an end that is noted already stays as it is. Raises LeaseLost when it is
        not ours any more.
        """

    async def renew(self, run: Run, ttl: timedelta) -> None:
        """Stay the one who works on it. Raises LeaseLost."""


class Fence(Protocol):
    """What stands between a run and a target: asked before each act, and before a rollback is called done."""

    async def hold(self, run: Run) -> None:
        """Raises LeaseLost when another receiver has it, its time is over, or something ended it."""

    async def settles_at(self, run: Run) -> datetime | None:
        """When nothing can land any more that another run asked for and would undo it; None: nothing was under way."""


class Evidence(Protocol):
    """What was known and done, append-only: each record holds the hash of the one before."""

    async def append(self, rollout: str, kind: str, body: Mapping[str, object], at: datetime) -> None:
        """Add a record to the chain of a rollout."""

    async def read(self, rollout: str, after: int = ..., limit: int = ...) -> list[EvidenceRecord]:
        """The chain of a rollout from record `after` + 1 on, oldest first: at most `limit` records."""

    async def newest(self, rollout: str, limit: int, only: Sequence[str] = ()) -> list[EvidenceRecord]:
        """The end of a chain, oldest first: at most `limit` records, of the kinds `only` (none given: of all)."""


class Tellings(Protocol):
    """Who is to be told of an incident, until they were."""

    async def want(
        self, incident: str, rollout: str, tells: Sequence[Tell] | None, at: datetime, *, once: bool = ...
    ) -> None:
        """Somebody is to be told of something that belongs to no attempt; None: those who were told, once more.

        With `once` those who were told, or are about to be, are not told again.
        """

    async def due(
        self, at: datetime, until: datetime, most: int = ..., busy: Collection[int] = ...
    ) -> list[Telling]:
        """Who is to be told now, one for each `Tell` but those being told; nobody else gets them before `until`."""

    async def told(self, telling: Telling, told: TellResult, at: datetime) -> None:
        """The result."""


class Memory(Protocol):
    """Single instants that must survive: when the heartbeat came, up to when we have asked."""

    async def recall(self, name: str) -> datetime | None:
        """What was remembered last, None when nothing was."""

    async def time(self) -> datetime:
        """What the database's own clock says."""

    async def remember(self, name: str, at: datetime) -> None:
        """Keep an instant; also the proof that the store takes writes."""

    async def forget(self, name: str) -> None:
        """Keep it no longer."""
