"""The declared times after the start of a stage → checks, made by the receiver.

A check that was missed, because the receiver was away or the stage was left at that moment, is made later from what
Prometheus recorded at its time, and is marked late. Which ones were made is read from the evidence, so that a restart
neither loses nor repeats one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from handrail.contract import CheckFacts, Playbook

from handrail_receiver.errors import UNREADABLE, StoreDown
from handrail_receiver.evidence.snapshot_taker import Snapshots
from handrail_receiver.model import (
    ENTERING,
    FINISHED,
    WORKED,
    Attempt,
    AttemptState,
    History,
    ScheduledCheck,
    entry_key,
    in_force,
    moment_key,
)

log = logging.getLogger("handrail")
LOOK_EVERY = 5.0
MADE_UP_FOR = timedelta(days=1)
"""So long after its moment a check of a stage that was left is still made."""


def due_checks(
    playbook: Playbook, attempt: Attempt, made: Collection[str], now: datetime, *, firing: bool = False
) -> Iterator[ScheduledCheck]:
    """The checks of the current stage whose time has come and that were not made yet; the earliest first.

    While anything is `firing` one is due in each declared interval; such a check is not made later if it was missed.
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


def fires(playbook: Playbook, history: History) -> bool:
    """Whether anything fires that somebody should look at more often for."""
    return any(said.firing and said.source not in playbook.aside for said in history.said)


def left_stages(history: History) -> Iterator[tuple[Attempt, datetime]]:
    """The stages that an attempt was in and is not any more: the attempt as it was in each, and when that was left."""
    attempt, seen = history.attempt, None
    if attempt is None:
        return
    for run in history.runs:
        if run.action in ENTERING and run.state in WORKED and run.finished_at is not None:
            if seen is not None:
                yield seen, run.finished_at
            seen = replace(attempt, stage=run.key, stage_entered_at=run.finished_at)
    back = history.first_rollback
    ends = [back.decided_at] if back is not None else []
    ends += [history.once[FINISHED]] if FINISHED in history.once else []
    if seen is not None and ends and attempt.state != AttemptState.active:
        yield seen, min(ends)


def missed_checks(
    playbook: Playbook, history: History, made: Collection[str], now: datetime
) -> Iterator[tuple[Attempt, ScheduledCheck]]:
    """The checks whose time had come when their stage was left, and that were not made; the attempt as it was then."""
    for attempt, left_at in left_stages(history):
        for check in playbook.checks_of(attempt.stage):
            key, due_at = moment_key(attempt, check), attempt.stage_entered_at + timedelta(seconds=check.at)
            if due_at <= left_at and now - due_at <= MADE_UP_FOR and key not in made:
                yield attempt, ScheduledCheck(key, attempt.stage, check, due_at, left=True)


@dataclass(frozen=True)
class Schedule:
    """Makes the checks of every attempt that goes on. The evidence is asked once for those that were made before."""

    snapshots: Snapshots
    _made: dict[str, set[str]] = field(default_factory=dict)
    _looked_back: dict[str, tuple[object, ...]] = field(default_factory=dict)

    async def run(self) -> None:
        """Make what is due until cancelled."""
        while True:
            try:
                await self.step()
            except StoreDown as error:
                log.warning("no check can be made: %s", error)
            await asyncio.sleep(LOOK_EVERY)

    async def step(self) -> None:
        """Make what is due now; an attempt that cannot be read, or answers slowly, holds up no other."""
        current = {one.rollout: one for one in await self.snapshots.store.attempts.current()}
        await asyncio.gather(
            *map(self._look, current.values()),
            *(self._look_back(one, current.get(one.rollout)) for one in self.snapshots.playbooks.all()),
        )

    async def _look_back(self, newest: Playbook, attempt: Attempt | None) -> None:
        """Make up for what was missed as a stage was left, or an attempt ended: once each time it stands otherwise."""
        at = (attempt.id, attempt.stage_entered_at, attempt.state) if attempt else ()
        if (
            not (newest.checks or (attempt and attempt.playbook))
            or self._looked_back.get(newest.rollout) == at
        ):
            return
        for number in range(max(1, attempt.number - 1), attempt.number + 1) if attempt else (None,):
            try:
                await self._make_up_for(newest, number)
            except UNREADABLE:
                log.exception("no check of %s can be made later", newest.rollout)
        self._looked_back[newest.rollout] = at

    async def _make_up_for(self, newest: Playbook, number: int | None) -> None:
        """What was missed in attempt `number`, which may have been the one before: a retry may begin at once."""
        store, now = self.snapshots.store, self.snapshots.clock.now()
        if number is None:
            history = await store.attempts.history(newest.rollout, now)
        else:
            found = await store.archive.attempt(newest.rollout, number, now, 1)
            history = found[0] if found else History()
        known = history.attempt
        if known is not None:
            playbook = known.playbook or newest
            made = await store.snapshots.scheduled(newest.rollout, f"{known.id}/")
            for was, one in list(missed_checks(playbook, history, made, now)):
                await self.snapshots.scheduled(playbook, was, one)

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
        firing = bool(playbook.checks_while_firing) and await self._fires(playbook, now)
        for one in list(due_checks(playbook, attempt, made, now, firing=firing)):
            await self.snapshots.scheduled(playbook, attempt, one)
            made.add(one.key)

    async def _fires(self, playbook: Playbook, now: datetime) -> bool:
        return fires(playbook, await self.snapshots.store.attempts.history(playbook.rollout, now))
