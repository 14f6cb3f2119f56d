"""The declared times after a stage's begin → checks, carried out by the receiver.

One that was missed, because the receiver was away, is made up for: Prometheus remembers how it was at its time. It is
marked late. Which were made is read from the evidence, so that a restart neither loses nor repeats one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handrail.contract import Playbook

from handrail_receiver.errors import UNREADABLE, StoreDown
from handrail_receiver.evidence.taking import Snapshots
from handrail_receiver.model import Attempt, AttemptState, in_force
from handrail_receiver.words.times import span, when

log = logging.getLogger("handrail")
LOOK_EVERY = 5.0
LATE = timedelta(minutes=1)
"""A check that is made so long after its time is late."""


@dataclass(frozen=True)
class ScheduledCheck:
    """A check that is to be made now: `after` the begin of a stage, at `due_at`. `key` is what it is known by."""

    key: str
    stage: str
    after: timedelta
    due_at: datetime

    def why(self, now: datetime) -> str:
        """What the evidence says of it."""
        text = f"T+{span(self.after)} of stage {self.stage}" if self.stage else f"T+{span(self.after)}"
        late = now - self.due_at >= LATE
        return f"{text}, late: it was due {when(self.due_at)}" if late else text


def due_checks(
    playbook: Playbook, attempt: Attempt, made: Collection[str], now: datetime
) -> Iterator[ScheduledCheck]:
    """The checks of the current stage whose time has come, and that were not made yet; the earliest first."""
    if attempt.state != AttemptState.active:
        return
    for seconds in sorted(playbook.checks):
        after = timedelta(seconds=seconds)
        key = f"{attempt.id}/{attempt.stage_entered_at.timestamp():.0f}/{seconds:g}"
        if attempt.stage_entered_at + after <= now and key not in made:
            yield ScheduledCheck(key, attempt.stage, after, attempt.stage_entered_at + after)


@dataclass(frozen=True)
class Schedule:
    """Makes the checks of every attempt that goes on. The evidence is asked once for those that were made before."""

    snapshots: Snapshots
    _made: dict[str, set[str]] = field(default_factory=dict)

    async def run(self) -> None:
        """Make what is due until cancelled."""
        while True:
            try:
                await self.step()
            except StoreDown as error:
                log.warning("no check can be made: %s", error)
            await asyncio.sleep(LOOK_EVERY)

    async def step(self) -> None:
        """Make what is due now; an attempt that cannot be read keeps no other back."""
        for attempt in await self.snapshots.store.attempts.current():
            newest = self.snapshots.playbooks.get(attempt.rollout)
            if newest is None:
                continue
            try:
                await self._of(in_force(attempt, newest), attempt)
            except UNREADABLE:
                log.exception("no check of %s can be made", attempt.rollout)

    async def _of(self, playbook: Playbook, attempt: Attempt) -> None:
        if not playbook.checks:
            return
        if attempt.rollout not in self._made:
            known = await self.snapshots.store.snapshots.scheduled(attempt.rollout)
            self._made[attempt.rollout] = set(known)
        made, now = self._made[attempt.rollout], self.snapshots.clock.now()
        for one in list(due_checks(playbook, attempt, made, now)):
            await self.snapshots.scheduled(playbook, attempt, one.key, one.why(now), one.due_at)
            made.add(one.key)
