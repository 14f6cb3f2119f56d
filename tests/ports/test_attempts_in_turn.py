"""A new attempt → what was asked for about the one before is over, in every store."""

from __future__ import annotations

from dataclasses import replace

import pytest
from guarded import NOW
from handrail.contract import Confirmation
from handrail_receiver.errors import LeaseLost
from handrail_receiver.model import AttemptState, Begin, Progress, RunState, SetState
from handrail_receiver.store import Store
from ports.store_cases import LATER, LEASE, begun, decision, opening

pytestmark = pytest.mark.anyio

ASKS = Confirmation(after=10, expr="bad", unreachable="act")
WAITS = replace(opening("emergency-rollback", due_at=LATER), key="leaks/critical", confirmation=ASKS)


async def test_a_rollback_that_waits_to_be_confirmed_does_not_begin_beside_the_next_attempt(
    store: Store,
) -> None:
    """The attempt went back by another alert meanwhile; the targets are the next one's now."""
    await begun(store, SetState(AttemptState.rolled_back), WAITS)
    (asked,) = await store.runs.lease("me", LATER, LEASE)
    await begun(store)
    confirmed = Progress(RunState.open, "confirmed", attempt_state=AttemptState.rolling_back)
    with pytest.raises(LeaseLost):
        await store.runs.record(asked, confirmed, LATER)
    assert await store.runs.lease("me", LATER, LEASE) == []
    assert [one.number for one in await store.attempts.current()] == [2]


@pytest.mark.parametrize(("confirmation", "counted"), [(ASKS, 0), (None, 1)], ids=["waited", "began"])
async def test_a_rollback_that_never_began_is_none_of_those_that_are_counted(
    store: Store, confirmation: Confirmation | None, counted: int
) -> None:
    """An alert asked for it, and a person's rollback went before."""
    asked = replace(WAITS, confirmation=confirmation)
    made = decision(Begin("shop", "10%", {}, ""), asked, by="alert")
    attempt = (await store.attempts.apply("shop", lambda _: made, NOW)).attempt
    by_alice = decision(opening("emergency-rollback", supersedes=True), attempt=attempt)
    await store.attempts.apply("shop", lambda _: by_alice, NOW)
    await begun(store)
    assert (await store.attempts.history("shop", NOW)).automatic_today == counted
