"""A hold that is asked for while a run goes on → it is still there when the run has ended otherwise than it should."""

from __future__ import annotations

import pytest
from guarded import NOW
from handrail_receiver.model import AttemptState, Progress, RunState, SetHold, SetState
from handrail_receiver.store import Store
from ports.store_cases import LATER, LEASE, begun, decision, opening

pytestmark = pytest.mark.anyio
BROKEN = "promote failed: it cannot be reached"


async def _held(store: Store, *asked: SetHold | SetState, times: int = 1) -> str:
    """What an attempt is held for after a promotion that failed, during which that was asked."""
    attempt = (await begun(store)).attempt
    for number in range(times):
        entering = decision(opening("promote", number), attempt=attempt)
        await store.attempts.apply("shop", lambda _, made=entering: made, NOW)  # type: ignore[misc]
        (run,) = await store.runs.lease("me", NOW, LEASE)
        between = decision(*asked, attempt=attempt)
        await store.attempts.apply("shop", lambda _, made=between: made, NOW)  # type: ignore[misc]
        await store.runs.record(run, Progress(RunState.failed, finished_at=LATER, hold=BROKEN), LATER)
    found = (await store.attempts.history("shop", LATER)).attempt
    return found.held if found else ""


async def test_it_is_held_for_both(store: Store) -> None:
    assert await _held(store, SetHold("alice: wait")) == f"alice: wait; {BROKEN}"


async def test_where_nobody_asked_it_is_held_for_what_failed(store: Store) -> None:
    assert await _held(store) == BROKEN


async def test_what_fails_twice_is_said_once(store: Store) -> None:
    assert await _held(store, times=2) == BROKEN


async def test_a_rollback_that_failed_is_told_of_whatever_it_was_held_for(store: Store) -> None:
    back = SetState(AttemptState.rolling_back)
    assert await _held(store, SetHold("alice: wait"), back) == BROKEN
