"""What happens once in an attempt is kept once, with its first instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from guarded import NOW, ROLLOUT, playbook
from handrail_receiver.model import (
    Begin,
    Change,
    Decision,
    History,
    Once,
    SetHold,
    Verdict,
)
from handrail_receiver.store import Store

pytestmark = pytest.mark.anyio


async def decided(store: Store, *changes: Change, minutes: float = 0) -> History:
    """The history after a decision with these changes."""
    at = NOW + timedelta(minutes=minutes)

    def decide(history: History) -> Decision:
        attempt = history.attempt.id if history.attempt else 0
        return Decision(
            Verdict.act, "test", "a test", rollout=ROLLOUT, by="alice", attempt=attempt, changes=changes
        )

    await store.attempts.apply(ROLLOUT, decide, at)
    return await store.attempts.history(ROLLOUT, at)


BEGIN = Begin(ROLLOUT, "10%", {}, "", playbook=playbook())


async def test_what_happened_once_keeps_its_first_instant_and_belongs_to_its_attempt(store: Store) -> None:
    await decided(store, BEGIN)
    await decided(store, Once("deadline: 10%"), minutes=1)
    again = await decided(store, Once("deadline: 10%"), minutes=2)
    assert again.once == {"deadline: 10%": NOW + timedelta(minutes=1)}
    assert (await decided(store, BEGIN, minutes=3)).once == {}


async def test_it_is_found_by_the_beginning_of_its_name_also_in_attempts_that_are_over(store: Store) -> None:
    await decided(store, BEGIN)
    await decided(store, Once("burst: 1/a"), Once("deadline: 10%"), minutes=1)
    await decided(store, BEGIN, minutes=2)
    await decided(store, Once("burst: 2/b"), minutes=3)

    async def found(since: float) -> list[tuple[int, str, datetime]]:
        happened = await store.past.happened("burst: ", NOW + timedelta(minutes=since))
        return [(attempt.number, name, at) for attempt, name, at in happened]

    second = (2, "2/b", NOW + timedelta(minutes=3))
    assert await found(0) == [(1, "1/a", NOW + timedelta(minutes=1)), second]
    assert await found(2) == [second]


async def test_a_hold_remembers_which_alert_asked_for_it(store: Store) -> None:
    held = (await decided(store, BEGIN, SetHold("errors are critical", "errors/critical"))).attempt
    assert held is not None
    assert (held.held, held.held_by) == ("errors are critical", "errors/critical")
    free = (await decided(store, SetHold(""))).attempt
    assert free == replace(held, held="", held_by="")
