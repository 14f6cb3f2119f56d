"""Who is to be told → told, apart from acting: a slow or dead channel delays nobody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail_receiver.errors import Permanent, Retryable, StoreDown
from handrail_receiver.incidents import blind_incident, incident_of
from handrail_receiver.model import Conditions, History, Telling
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.stores import Store
from handrail_receiver.telling import Teller
from handrail_receiver.telling.incident import Incident

log = logging.getLogger("handrail")
LOOK_EVERY = 1.0
ONE_TAKES = timedelta(seconds=60)
LONGEST_PAUSE = 300.0
BLIND = "handrail-blind"


@dataclass
class Messenger:
    """Empties the outbox. `page` is where the receiver's own pages are, empty when people cannot reach them."""

    store: Store
    playbooks: Playbooks
    teller: Teller
    clock: Clock
    conditions: Callable[[], Conditions]
    page: str
    _blind_since: datetime | None = None

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            try:
                await self._watch()
                await self.step()
            except StoreDown as error:
                log.warning("nobody can be told: %s", error)
            await asyncio.sleep(LOOK_EVERY)

    async def step(self) -> None:
        """Tell everybody who is due, at once."""
        now = self.clock.now()
        await asyncio.gather(*map(self._tell, await self.store.tellings.due(now, now + ONE_TAKES)))

    async def _watch(self) -> None:
        """A guard that turns blind, or sees again, is told to everybody who is told of rollbacks."""
        now = self.conditions()
        if bool(now.blind) == (self._blind_since is not None):
            return
        self._blind_since = now.now if now.blind else None
        log.warning("the guard is blind: %s", now.blind) if now.blind else log.info("the guard sees again")
        tells = [
            tell
            for playbook in self.playbooks.all()
            for action in playbook.actions
            if action.name == "rollback"
            for tell in action.tell
        ]
        await self.store.tellings.want(BLIND, "handrail", tells, now.now)

    async def _tell(self, telling: Telling) -> None:
        try:
            incident = await self._incident(telling)
            if incident is None:
                await self.store.tellings.told(telling, telling.receipt, "its playbook is gone", None)
                return
            receipt = await self.teller.tell(telling.tell, incident, telling.receipt)
        except Retryable as error:
            again = self.clock.now() + timedelta(seconds=min(LONGEST_PAUSE, 2.0**telling.tries))
            log.warning("%s could not be told, trying again: %s", telling.tell.channel.kind, error)
            await self.store.tellings.told(telling, telling.receipt, str(error), again)
        except Permanent as error:
            log.warning("%s cannot be told: %s", telling.tell.channel.kind, error)
            await self.store.tellings.told(telling, telling.receipt, str(error), None)
        else:
            await self.store.tellings.told(telling, receipt, "", None)

    async def _incident(self, telling: Telling) -> Incident | None:
        now = self.clock.now()
        if telling.incident == BLIND:
            return blind_incident(BLIND, self.conditions().blind, self._blind_since or now, now, self.page)
        playbook = self.playbooks.get(telling.rollout)
        if playbook is None:
            return None
        history = await self.store.attempts.history(telling.rollout, now)
        if history.attempt is None or history.attempt.id != telling.attempt:
            history = History()
        records = await self.store.evidence.read(telling.rollout)
        page = f"{self.page}/rollouts/{telling.rollout}" if self.page else ""
        return incident_of(telling.incident, playbook, history, records, page, now)
