"""Calls to targets → a limit on them: a loop somewhere must not become a storm somewhere else."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import fields

from handrail.contract import Step

from handrail_receiver.errors import Cause, Retryable
from handrail_receiver.ports import Clock
from handrail_receiver.status.words import what

MINUTE = 60.0
# What a step asks for, and by which means; all its other fields say of whom.
ASKED = frozenset({"weight", "state", "image", "value", "body", "read_equals"})
MEANS = frozenset({"timeout", "within", "tries", "on_failure", "token", "bypasses_approval"})


class Rates:
    """At most so many acts a minute on each target, whichever rollouts ask for them."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock, self._per_minute = clock, per_minute
        self._spent: dict[Hashable, deque[float]] = {}

    def spend(self, step: Step) -> None:
        """Count an act. Raises Retryable when there were too many."""
        now = self._clock.now().timestamp()
        times = self._spent.setdefault(target_of(step), deque())
        while times and times[0] <= now - MINUTE:
            times.popleft()
        if len(times) >= self._per_minute:
            where = what(step).partition(": ")[0]
            text = f"{self._per_minute} acts on {where} within a minute; find out what repeats them"
            raise Retryable(Cause.busy, text)
        times.append(now)


def target_of(step: Step) -> Hashable:
    """What tells a step's target from every other: the same for two steps that only ask for different values."""
    named = (one.name for one in fields(step) if one.name not in ASKED | MEANS)
    return tuple((name, repr(getattr(step, name))) for name in named)
