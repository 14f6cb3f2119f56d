"""A rate limit on writes to each target: a loop in one place must not become a flood in another."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from handrail.contract import Step, target_of

from handrail_receiver.errors import Cause, Retryable
from handrail_receiver.ports import Clock
from handrail_receiver.words.steps import what

MINUTE = 60.0


class Rates:
    """At most `per_minute` writes to each target, whichever rollouts ask for them."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock, self._per_minute = clock, per_minute
        self._spent: dict[Hashable, deque[float]] = {}

    def spend(self, step: Step) -> None:
        """Count a write. Raises Retryable when there were too many."""
        now = self._clock.now().timestamp()
        times = self._spent.setdefault(target_of(step), deque())
        if times and times[-1] > now:  # the clock was set back: those of before would count for as long
            times.clear()
        while times and times[0] <= now - MINUTE:
            times.popleft()
        if len(times) >= self._per_minute:
            where = what(step).partition(": ")[0]
            text = f"{self._per_minute} acts on {where} within a minute; find out what repeats them"
            raise Retryable(Cause.busy, text)
        times.append(now)
