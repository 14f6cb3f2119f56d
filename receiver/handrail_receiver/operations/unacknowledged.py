"""Open incidents that nobody has acknowledged in time → the people who are declared for that deadline are told, once
for each deadline.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from handrail.contract import Playbook

from handrail_receiver.errors import StoreDown
from handrail_receiver.guard import Guard
from handrail_receiver.model import (
    HANDRAIL,
    Conditions,
    Decision,
    History,
    Incident,
    IncidentEvent,
    Note,
    Verdict,
)
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.words.times import span

EVERY = 2.0
log = logging.getLogger("handrail")
NOTHING = Decision(Verdict.repeat, "not-due", "nothing is due any more")


def overdue(one: Incident, playbook: Playbook, now: Conditions) -> Decision | None:
    """What follows from the deadlines that have passed; None where nothing new does. Pure."""
    if not one.open or one.acknowledged is not None:
        return None
    passed = [
        deadline
        for deadline in playbook.acknowledge
        if now.now >= one.asked + timedelta(seconds=deadline.within) and deadline.within not in one.late
    ]
    if not passed:
        return None
    who = " and ".join(f"{each.who} within {span(timedelta(seconds=each.within))}" for each in passed)
    text = f"{one.id} should have been acknowledged by {who}, and nobody has; `handrail rollout ack {one.rollout}`"
    late = (Note(one.attempt, IncidentEvent.late, each.who, {"within": each.within}) for each in passed)
    return Decision(
        Verdict.tell,
        "not-acknowledged",
        text,
        rollout=one.rollout,
        action="ack",
        by=HANDRAIL,
        attempt=one.attempt,
        changes=tuple(late),
        tell=tuple(dict.fromkeys(tell for each in passed for tell in each.tell)),
    )


@dataclass(frozen=True)
class AckWatch:
    """Looks at the open incidents every few seconds. What passed while nobody looked is told at the next look."""

    guard: Guard
    playbooks: Playbooks

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.step()
            except StoreDown as error:
                log.warning("nobody can see which incidents are acknowledged: %s", error)
            await asyncio.sleep(EVERY)

    async def step(self) -> None:
        """Look once at each open incident."""
        for one in await self.guard.store.incidents.open():
            playbook, now = self.playbooks.get(one.rollout), self.guard.conditions()
            if playbook is not None and overdue(one, playbook, now) is not None:
                await self.guard.apply(one.rollout, partial(_decided, one.id, playbook, now))


def _decided(which: str, playbook: Playbook, now: Conditions, history: History) -> Decision:
    """The same, of what is kept now."""
    one = next((one for one in history.incidents if one.id == which), None)
    return (overdue(one, playbook, now) if one is not None else None) or NOTHING
