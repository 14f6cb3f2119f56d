"""One suite for every store: a message is kept until it was delivered."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest
from guarded import NOW
from handrail.contract import Tell, Webhook
from handrail_receiver.model import TellResult, Verdict
from handrail_receiver.store import Store
from ports.store_cases import LATER, begun, decision

pytestmark = pytest.mark.anyio


async def test_people_are_told_of_the_newest_state_until_they_were(store: Store) -> None:
    tell = Tell(Webhook("https://hooks.example/x"))
    await store.tellings.want("blind", "handrail", [tell], NOW)
    await store.tellings.want("blind", "handrail", [tell], NOW)
    (due,) = await store.tellings.due(NOW, LATER)
    assert (due.incident, due.tell, due.receipt, due.version, due.tries) == ("blind", tell, "", 2, 0)
    assert await store.tellings.due(NOW, LATER) == []
    await store.tellings.told(due, TellResult("", "busy", LATER), NOW)
    assert await store.tellings.due(NOW, LATER) == []
    (again,) = await store.tellings.due(LATER, LATER + timedelta(seconds=10))
    assert again.tries == 1
    await store.tellings.told(again, TellResult("receipt-1"), LATER)
    assert await store.tellings.due(LATER + timedelta(days=1), LATER + timedelta(days=1)) == []
    await store.tellings.want("blind", "handrail", [tell], LATER)
    (changed,) = await store.tellings.due(LATER, LATER)
    assert (changed.receipt, changed.version, changed.tries) == ("receipt-1", 3, 0)


async def test_a_message_of_any_length_is_kept_once_and_another_of_that_length_beside_it(
    store: Store,
) -> None:
    """No two lines are alike, so that no database packs them."""
    lines = "".join(
        f"{sha256(bytes([number])).hexdigest()} {{{{ incident.rollout }}}}\n" for number in range(99)
    )
    tells = [Tell(Webhook("https://hooks.example/x"), template=lines + last) for last in ("a", "b")]
    for _ in range(2):
        await store.tellings.want("blind", "handrail", tells, NOW)
    due = await store.tellings.due(NOW, LATER)
    assert [(one.tell, one.version) for one in due] == [(tell, 2) for tell in tells]
    await store.tellings.told(due[0], TellResult("", "busy", elsewhere=()), NOW)
    (first,) = [one for one in await store.tellings.due(LATER, LATER) if one.tell == tells[1]]
    assert [one.tell for one in first.untold] == [tells[0]]


async def test_who_was_told_before_an_attempt_hears_that_it_has_begun(store: Store) -> None:
    tell = Tell(Webhook("https://hooks.example.com"))
    unready = decision(verdict=Verdict.tell, reason="not-ready", tell=(tell,))
    await store.attempts.apply("shop", lambda _: unready, NOW)
    (first,) = await store.tellings.due(NOW, NOW)
    assert (first.incident, first.attempt, first.version) == ("shop-0", 0, 1)
    await store.tellings.told(first, TellResult("receipt-1"), NOW)
    await store.tellings.want("blind", "handrail", (), NOW)
    assert await store.tellings.due(LATER, LATER) == []
    await begun(store)
    (second,) = await store.tellings.due(LATER, LATER)
    assert (second.incident, second.receipt, second.version) == ("shop-0", "receipt-1", 2)
