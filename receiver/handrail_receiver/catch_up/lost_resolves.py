"""Alerts that fire by what was said, and that no Alertmanager has → those that have ended though nobody says so."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from handrail_receiver.decide.admission import series_in
from handrail_receiver.errors import ReceiverError
from handrail_receiver.intake.parse import parse
from handrail_receiver.model import LastSaid

GONE = 3
ENOUGH_OF = 0.9  # of the time between two questions is to pass until what is gone counts once more

Gone = tuple[str, LastSaid]
"""A rollout, and what was said of one of its alerts before the question."""


@dataclass
class LostResolves:
    """Counts the questions in a row in which an alert was gone. One that has said something else begins anew.

    It must be gone each of GONE times: an Alertmanager that was started again knows nothing for a minute.
    """

    _times: Counter[Gone] = field(default_factory=Counter)
    _counted_at: float = -math.inf

    def after(self, gone: Collection[Gone], at: float, every: float) -> set[Gone]:
        """Those that have ended, after one more question `at` a time in seconds; they are asked `every` so many."""
        counts = at - self._counted_at >= ENOUGH_OF * every  # who asks at once counts nothing twice
        self._counted_at = at if counts else self._counted_at
        self._times = Counter({one: self._times[one] + counts for one in gone})
        return {one for one, times in self._times.items() if times >= GONE}


def firing_in(bodies: Iterable[bytes]) -> frozenset[str]:
    """The series that deliveries say to fire; what cannot be read says nothing."""
    series: set[str] = set()
    for body in bodies:
        with suppress(ReceiverError):
            for signal in parse(body).signals:
                series |= set(series_in(signal.labels)) if signal.firing else set()
    return frozenset(series)
