"""Who is to be told → told, apart from acting: a slow or dead channel delays nobody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handrail_receiver.errors import Permanent, Retryable, StoreDown
from handrail_receiver.incidents import (
    MOST_LINES,
    blind_incident,
    incident_of,
    refused_incident,
    unguarded_incident,
)
from handrail_receiver.model import Conditions, History, Telling
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.refusals import Refusals
from handrail_receiver.standing_guard import LOOKED_BACK, Said, last_said
from handrail_receiver.stores import Store
from handrail_receiver.telling import Teller
from handrail_receiver.telling.incident import Incident

log = logging.getLogger("handrail")
LOOK_EVERY = 1.0
ONE_TAKES = timedelta(seconds=60)
LONGEST_PAUSE = 300.0
BLIND, REFUSED = "handrail-blind", "handrail-refused"
OURS = {BLIND: blind_incident, REFUSED: refused_incident}


@dataclass
class Messenger:
    """Empties the outbox. `page` is where the receiver's own pages are, empty when people cannot reach them."""

    store: Store
    playbooks: Playbooks
    teller: Teller
    clock: Clock
    conditions: Callable[[], Conditions]
    refusals: Refusals
    page: str
    _since: dict[str, datetime] = field(default_factory=dict)

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
        """A guard that turns blind or refuses deliveries, and when that is over, is told to all who hear of rollbacks."""
        for key in OURS:
            now, why = self.clock.now(), self._why(key)
            if bool(why) == (key in self._since):
                continue
            await self._want(key, now)
            if why:
                log.warning("%s: %s", key, why)
                self._since[key] = now
            else:
                log.info("%s: it is over", key)
                del self._since[key]

    def _why(self, key: str) -> str:
        return self.conditions().blind if key == BLIND else self.refusals.why(self.clock.now())

    async def _want(self, key: str, now: datetime) -> None:
        tells = [
            tell
            for playbook in self.playbooks.all()
            for action in playbook.actions
            if action.name == "rollback"
            for tell in action.tell
        ]
        await self.store.tellings.want(key, "handrail", tells, now)

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
        if telling.incident in OURS:
            key = telling.incident
            return OURS[key](key, self._why(key), self._since.get(key, now), now, self.page)
        playbook = self.playbooks.get(telling.rollout)
        if playbook is None:
            return None
        page = f"{self.page}/rollouts/{telling.rollout}" if self.page else ""
        history = await self.store.attempts.history(telling.rollout, now)
        if not telling.attempt:
            records = await self.store.evidence.newest(telling.rollout, LOOKED_BACK)
            said = last_said(records) or Said(now, "it is not guarded", ())
            why = "" if history.attempt else said.text
            return unguarded_incident(telling.incident, playbook, why, said.at, now, page)
        if history.attempt is None or history.attempt.id != telling.attempt:
            history = History()
        records = await self.store.evidence.newest(telling.rollout, MOST_LINES, but="step")
        return incident_of(telling.incident, playbook, history, records, page, now)
