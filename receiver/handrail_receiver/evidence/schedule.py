"""The declared moments after a stage's begin → checks, carried out by the receiver.

One that was missed, because the receiver was away, is made up for: Prometheus remembers how it was at its time. It is
marked late. Which were made is read from the evidence, so that a restart neither loses nor repeats one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handrail.contract import CheckFacts, Playbook

from handrail_receiver.errors import UNREADABLE, StoreDown
from handrail_receiver.evidence.taking import Snapshots
from handrail_receiver.model import Attempt, AttemptState, ScheduledCheck, entry_key, in_force, moment_key

log = logging.getLogger("handrail")
LOOK_EVERY = 5.0


def due_checks(
    playbook: Playbook, attempt: Attempt, made: Collection[str], now: datetime, *, firing: bool = False
) -> Iterator[ScheduledCheck]:
    """The checks of the current stage whose time has come, and that were not made yet; the earliest first.

    While anything is `firing` one is due in each interval that is declared for that; one that was missed is not made up for.
    """
    if attempt.state != AttemptState.active:
        return
    for check in playbook.checks_of(attempt.stage):
        key, due_at = moment_key(attempt, check), attempt.stage_entered_at + timedelta(seconds=check.at)
        if due_at <= now and key not in made:
            yield ScheduledCheck(key, attempt.stage, check, due_at)
    every = playbook.checks_while_firing
    if every and firing:
        place = (now - attempt.stage_entered_at) // timedelta(seconds=every)
        key = f"{entry_key(attempt)}firing/{place}"
        if key not in made:
            yield ScheduledCheck(key, attempt.stage, CheckFacts(at=0, name="while something fires"), now)


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
        """Make what is due now; an attempt that cannot be read, or answers slowly, keeps no other back."""
        await asyncio.gather(*map(self._look, await self.snapshots.store.attempts.current()))

    async def _look(self, attempt: Attempt) -> None:
        newest = self.snapshots.playbooks.get(attempt.rollout)
        if newest is None:
            return
        try:
            await self._of(in_force(attempt, newest), attempt)
        except UNREADABLE:
            log.exception("no check of %s can be made", attempt.rollout)

    async def _of(self, playbook: Playbook, attempt: Attempt) -> None:
        if not (playbook.checks or playbook.checks_while_firing):
            return
        entry, store = entry_key(attempt), self.snapshots.store
        if entry not in self._made:
            self._made[entry] = set(await store.snapshots.scheduled(attempt.rollout, entry))
        made, now = self._made[entry], self.snapshots.clock.now()
        firing = bool(playbook.checks_while_firing) and await self._fires(attempt.rollout, now)
        for one in list(due_checks(playbook, attempt, made, now, firing=firing)):
            await self.snapshots.scheduled(playbook, attempt, one)
            made.add(one.key)

    async def _fires(self, rollout: str, now: datetime) -> bool:
        history = await self.snapshots.store.attempts.history(rollout, now)
        return any(said.firing for said in history.said)
