"""Calls to targets → a limit on them: a loop somewhere must not become a storm somewhere else."""

from __future__ import annotations

from collections import deque

from handrail.contract import Step

from handrail_receiver.errors import Cause, Retryable
from handrail_receiver.ports import Clock

MINUTE = 60.0


class Rates:
    """At most so many acts a minute for each rollout on each kind of target."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock, self._per_minute = clock, per_minute
        self._spent: dict[tuple[str, str], deque[float]] = {}

    def spend(self, rollout: str, step: Step) -> None:
        """Count an act. Raises Retryable when there were too many."""
        now = self._clock.now().timestamp()
        times = self._spent.setdefault((rollout, step.kind), deque())
        while times and times[0] <= now - MINUTE:
            times.popleft()
        if len(times) >= self._per_minute:
            raise Retryable(
                Cause.busy,
                f"{self._per_minute} acts of {rollout} on {step.kind} within a minute; find out what repeats it",
            )
        times.append(now)
