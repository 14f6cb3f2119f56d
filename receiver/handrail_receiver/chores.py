"""Periodic work beside the guard's: playbooks, heartbeat, retention, rollouts without stages."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from handrail_receiver.clock import SystemClock
from handrail_receiver.errors import UNREADABLE, StoreDown
from handrail_receiver.guard import Guard
from handrail_receiver.model import HEARTBEAT, SET_BACK
from handrail_receiver.operations.always_guarded import playbook_gone
from handrail_receiver.operations.handler import CallHandler
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.settings import Settings
from handrail_receiver.store import Store
from handrail_receiver.store.past_attempts import BEGAN

log = logging.getLogger("handrail")
EVERY = 2.0
TIDY_EVERY = 300
ARM_EVERY = 60.0


@dataclass
class Chores:
    """Playbooks that changed, the heartbeat that another receiver got, old deliveries, rollouts without stages."""

    settings: Settings
    store: Store
    playbooks: Playbooks
    guard: Guard
    calls: CallHandler
    clock: SystemClock
    _told: set[str] = field(default_factory=set)
    _fresh: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Run until cancelled."""
        rounds = 0
        while True:
            try:
                await self.keep()  # first: the file of an attempt that has just begun may be gone
            except StoreDown as error:
                log.warning("the store does not answer: %s", error)
            if await asyncio.to_thread(self.playbooks.refresh):
                self._fresh.set()
            try:
                await self.time()
                await self.heartbeat()
                await self.copies()
                if rounds % TIDY_EVERY == 0:
                    await self.began()
                    await self.tidy()
            except StoreDown as error:
                log.warning("the store does not answer: %s", error)
            rounds += 1
            await asyncio.sleep(EVERY)

    async def guarding(self) -> None:
        """See to rollouts without stages until cancelled: by itself, for it asks their targets and Prometheus."""
        while True:
            self._fresh.clear()
            try:
                await self.arm()
            except StoreDown as error:
                log.warning("the store does not answer: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(ARM_EVERY):
                    await self._fresh.wait()

    async def begin(self) -> None:
        """What must be known before the first decision: the common time, and the copies by which attempts go."""
        try:
            await self.time()
            await self.copies()
        except StoreDown as error:
            log.warning("the store does not answer: %s", error)

    async def time(self) -> None:
        """Go by the clock of a database that others share: a lease, a hold and an approval end for all at once."""
        if not self.store.engine.shared:
            return
        asked = time.monotonic()
        theirs = await self.store.memory.time()
        self.clock.follow(theirs, time.monotonic() - asked)

    async def heartbeat(self) -> None:
        """Share the newest heartbeat with the other receivers, and with ourselves after a restart."""
        stored, seen = await self.store.memory.recall(HEARTBEAT), self.guard.heartbeat_at
        latest = (
            self.clock.now() + SET_BACK
        )  # what was noted before the clock was set back would count for too long
        stored = None if stored is not None and stored > latest else stored
        seen = None if seen is not None and seen > latest else seen
        if seen is not None and (stored is None or seen > stored):
            await self.store.memory.remember(HEARTBEAT, seen)
        elif stored is not None:
            self.guard.metrics.heartbeat(stored)

    async def arm(self) -> None:
        """Begin the one attempt of every rollout without stages: it is guarded from the first minute on.

        After a rollback its flags are off; then a person starts the next attempt.
        """
        for playbook in self.playbooks.all():
            if playbook.stages:
                continue
            try:
                await self.calls.begin_guarding(playbook)
            except (*UNREADABLE, AttributeError):
                log.exception("a fault while %s is to be guarded; the others go on", playbook.rollout)

    async def keep(self) -> None:
        """Know the copies by which attempts go."""
        self.playbooks.keep(await self.store.attempts.current())

    async def copies(self) -> None:
        """Know the copies by which attempts go, and tell people of an attempt whose file is gone."""
        await self.keep()
        for name in self.playbooks.gone:
            playbook = self.playbooks.get(name)
            if playbook is not None and name not in self._told:
                await self.guard.apply(name, partial(playbook_gone, playbook))
        self._told = set(self.playbooks.gone)

    async def began(self) -> None:
        """Note when the store was first used: of the time before nobody can count anything."""
        if await self.store.memory.recall(BEGAN) is None:
            await self.store.memory.remember(BEGAN, self.clock.now())

    async def tidy(self) -> None:
        """Remove what is kept no longer."""
        now = self.clock.now()
        keep, repeats = self.settings.keep_notifications, self.settings.keep_repeats
        dropped = await self.store.retention.drop(now - keep, now - repeats)
        if dropped:
            log.info("%s old deliveries were removed", dropped)
