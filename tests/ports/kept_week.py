"""Two attempts of a week, kept in a store: one is rolled back at 10 % and its incident closed, one is complete."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from handrail.contract import Playbook
from handrail_receiver.model import (
    AttemptState,
    Begin,
    Change,
    IncidentEvent,
    Note,
    Open,
    Progress,
    RunState,
    SetState,
    Verdict,
)
from handrail_receiver.store import Store
from handrail_receiver.store.past_attempts import BEGAN
from ports.store_cases import LEASE, STEPS, decision
from receiver.reports.remembered import MONDAY, book

BOOK = book()


async def decided(store: Store, at: datetime, *changes: Change, **more: object) -> int:
    """A decision at an instant; the attempt it belongs to."""
    made = await store.attempts.apply("shop", lambda _: decision(*changes, **more), at)  # type: ignore[arg-type]
    return made.attempt


async def carried_out(store: Store, at: datetime, progress: Progress) -> None:
    """The run that is due ends like that."""
    (run,) = await store.runs.lease("me", at, LEASE)
    await store.runs.record(run, replace(progress, acted_at=at, finished_at=at), at)


async def entered(store: Store, at: datetime, stage: str, attempt: int = 0, playbook: Playbook = BOOK) -> int:
    """An attempt enters a stage, the first as it begins."""
    begin = () if attempt else (Begin("shop", stage, {"rollback": STEPS}, "", playbook=playbook),)
    action = "promote" if attempt else "start"
    opening = Open(action, stage, 0, STEPS, None, at)
    known = {"action": action, "known": {"artifact": "shop:1.4"}} if not attempt else {"action": action}
    attempt = await decided(store, at, *begin, opening, attempt=attempt, **known)
    await carried_out(store, at, Progress(RunState.done, stage=stage))
    return attempt


async def lived(store: Store, playbook: Playbook = BOOK) -> None:
    """One that is rolled back at 10 % on Tuesday, and one that is complete on Saturday."""
    await store.memory.remember(BEGAN, MONDAY - timedelta(days=60))
    tuesday = MONDAY + timedelta(days=1, hours=10)
    first = await entered(store, MONDAY + timedelta(hours=9), "0%", 0, playbook)
    await entered(store, tuesday, "10%", first)
    broken = tuesday + timedelta(hours=2)
    back = Open("rollback", "", 0, STEPS, None, broken, supersedes=True)
    await decided(
        store,
        broken,
        back,
        attempt=first,
        action="rollback",
        guardrail="error-rate",
        tier="critical",
        reason="limit-broken",
        text="error-rate/critical fires | above 1 %",
        by="alert",
    )
    over = Progress(RunState.proved, attempt_state=AttemptState.rolled_back)
    await carried_out(store, broken + timedelta(minutes=4), over)
    minute = timedelta(minutes=1)
    impact = {"began": (broken - minute).isoformat(), "share": 0.1, "failed": {"error-rate": 1234}}
    closed = {"cause": "the pool was too small", "user_impact": "minimal", "false_rollback": False}
    await decided(
        store,
        broken + timedelta(hours=1),
        Note(first, IncidentEvent.impact, "", impact),
        Note(first, IncidentEvent.closed, "the pool is larger", closed),
        attempt=first,
        verdict=Verdict.note,
    )
    second = await entered(store, MONDAY + timedelta(days=3), "0%", 0, playbook)
    await entered(store, MONDAY + timedelta(days=4), "10%", second)
    await entered(store, MONDAY + timedelta(days=5), "100%", second)
    complete = SetState(AttemptState.complete)
    await decided(store, MONDAY + timedelta(days=5, hours=2), complete, attempt=second, action="promote")
