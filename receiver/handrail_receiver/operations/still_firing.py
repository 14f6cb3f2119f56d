"""What still fires when an attempt begins → rollbacks to confirm at once for the new attempt. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from handrail.contract import Confirmation, Playbook, Step, names

from handrail_receiver.model import History, Open


def still_firing(
    playbook: Playbook, history: History, pinned: Mapping[str, tuple[Step, ...]], now: datetime
) -> tuple[Open, ...]:
    """A rollback, to be confirmed at once, for each firing tier that asks for one.

    Its alert may be repeated in minutes only; and what is only kept firing is not confirmed.
    """
    return tuple(_carried(playbook, history, pinned, now))


def _carried(
    playbook: Playbook, history: History, pinned: Mapping[str, tuple[Step, ...]], now: datetime
) -> Iterator[Open]:
    for source in sorted({said.source for said in history.said if said.firing}):
        guardrail, _, name = source.rpartition("/")
        tier = playbook.tier(guardrail, name)
        action = playbook.action(tier.action) if tier else None
        if tier is None or tier.shadow or tier.action not in names.ACTING or not (action and action.steps):
            continue
        yield Open(
            action=action.name,
            key=source,
            round=0,
            steps=pinned.get(action.name, action.steps),
            proof=action.proof,
            due_at=now,
            confirmation=Confirmation(after=0, expr=tier.expr, unreachable="hold"),
        )
