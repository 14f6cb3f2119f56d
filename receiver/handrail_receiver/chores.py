"""What has to be done every few seconds beside the guard's work."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

from handrail_receiver.admission import HEARTBEAT
from handrail_receiver.calls import Calls
from handrail_receiver.errors import StoreDown
from handrail_receiver.guard import Guard
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.settings import Settings
from handrail_receiver.stores import Store

log = logging.getLogger("handrail")
EVERY = 2.0
TIDY_EVERY = 300
ARM_EVERY = 30


@dataclass
class Chores:
    """Playbooks that changed, the heartbeat that another receiver got, deliveries that are old, standing guards."""

    settings: Settings
    store: Store
    playbooks: Playbooks
    guard: Guard
    calls: Calls
    clock: Clock

    async def run(self) -> None:
        """Do them until cancelled."""
        rounds = 0
        while True:
            await asyncio.to_thread(self.playbooks.refresh)
            try:
                await self.heartbeat()
                if rounds % TIDY_EVERY == 0:
                    await self.tidy()
                if rounds % ARM_EVERY == 0:
                    await self.arm()
            except StoreDown as error:
                log.warning("the store does not answer: %s", error)
            rounds += 1
            await asyncio.sleep(EVERY)

    async def heartbeat(self) -> None:
        """Share the newest heartbeat with the other receivers, and with ourselves after a restart."""
        stored, seen = await self.store.memory.recall(HEARTBEAT), self.guard.heartbeat_at
        if seen is not None and (stored is None or seen > stored):
            await self.store.memory.remember(HEARTBEAT, seen)
        elif stored is not None:
            self.guard.metrics.heartbeat(stored)

    async def arm(self) -> None:
        """Begin the one attempt of every rollout without stages: it is guarded from the first minute on.

        After a rollback its flags are off; then a person starts the next attempt.
        """
        for playbook in self.playbooks.all():
            if not playbook.stages:
                await self.calls.stand_guard(playbook)

    async def tidy(self) -> None:
        """Remove what is kept no longer."""
        now = self.clock.now()
        keep, repeats = self.settings.keep_notifications, self.settings.keep_repeats
        dropped = await self.store.retention.drop(
            now - timedelta(seconds=keep), now - timedelta(seconds=repeats)
        )
        if dropped:
            log.info("%s old deliveries were removed", dropped)
