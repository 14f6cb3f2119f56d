"""A check that was due as its attempt ended is made though the next attempt has begun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from guarded import NOW, ROLLOUT, playbook
from handrail.contract import CheckFacts, Playbook
from handrail_receiver.evidence.schedule import Schedule
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    Begin,
    Change,
    Progress,
    RunState,
    ScheduledCheck,
    SetState,
)
from handrail_receiver.store import Store
from ports.store_cases import LEASE, decision, opening

pytestmark = pytest.mark.anyio
BOOK = playbook(checks=(CheckFacts(at=60, name="T+1", stage="10%"),))
BACK = NOW + timedelta(minutes=1)


@dataclass
class Made:
    """Takes no snapshot, and knows which one was asked for."""

    store: Store
    at: datetime
    asked: list[tuple[int, str, bool]] = field(default_factory=list)

    @property
    def playbooks(self) -> Made:
        return self

    @property
    def clock(self) -> Made:
        return self

    def now(self) -> datetime:
        return self.at

    def all(self) -> Sequence[Playbook]:
        return [BOOK]

    def get(self, _: str) -> Playbook:
        return BOOK

    async def scheduled(self, _: Playbook, attempt: Attempt, due: ScheduledCheck) -> None:
        self.asked.append((attempt.number, due.check.label, due.left))


async def apply(store: Store, at: datetime, *changes: Change, attempt: int = 0) -> None:
    said = decision(*changes, attempt=attempt, rollout=ROLLOUT)
    await store.attempts.apply(ROLLOUT, lambda _: said, at)


async def begins(store: Store, at: datetime) -> int:
    begin = Begin(ROLLOUT, "10%", {}, "", playbook=BOOK)
    await apply(store, at, begin, replace(opening("start", due_at=at), key="10%"))
    [run] = await store.runs.lease("me", at, LEASE)
    await store.runs.record(run, Progress(RunState.done, finished_at=at, stage="10%"), at)
    return run.attempt


async def test_the_end_of_an_attempt_is_looked_back_at_from_the_next(store: Store) -> None:
    first = await begins(store, NOW)
    await apply(
        store, BACK, opening(due_at=BACK, supersedes=True), SetState(AttemptState.rolled_back), attempt=first
    )
    [run] = await store.runs.lease("me", BACK, LEASE)
    await store.runs.record(run, Progress(RunState.proved, finished_at=BACK), BACK)
    await begins(store, BACK + timedelta(seconds=1))
    made: Any = Made(store, BACK + timedelta(seconds=2))
    schedule = Schedule(made)
    for _ in range(2):
        await schedule.step()
    assert made.asked == [(1, "T+1", True)]
