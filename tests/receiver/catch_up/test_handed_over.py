"""What is asked for at once: what fires as an attempt begins, and what is gone, which counts in its time alone."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from guarded import NOW
from handrail_receiver.catch_up.polling import KnownAlerts, Poller
from handrail_receiver.errors import StoreDown
from handrail_receiver.model import Attempt, AttemptState, History, LastSaid, Received


class Away:
    """An inbox that takes nothing."""

    async def put(self, _: Received) -> None:
        raise StoreDown("frozen")


def test_what_fires_when_an_attempt_begins_is_asked_for_once_the_store_is_back() -> None:
    store: Any = SimpleNamespace(inbox=Away())
    clock = SimpleNamespace(now=lambda: NOW)
    nothing: Any = None
    poller = Poller(
        nothing, (), (), "http://prometheus", "hold", store, nothing, nothing, clock, 60, nothing
    )  # fmt: skip
    poller._asked_before = True
    asyncio.run(poller.begun([{"alertname": "ShopErrorRateCritical", "rollout": "shop"}]))
    assert (poller._asked_before, poller._at_once.is_set()) == (False, True)


@pytest.mark.parametrize(("every", "found"), [(60, []), (0, ["shop"])], ids=["at once", "each in its time"])
def test_what_is_gone_when_it_is_asked_for_three_times_at_once_is_gone_once(
    every: float, found: list[str]
) -> None:
    """An Alertmanager that was started again knows nothing for a while."""
    attempt = Attempt(7, "shop", "shop", 2, AttemptState.active, "10%", NOW, NOW, "alice")
    fires = LastSaid("one", "error-rate/warning", firing=True, at=NOW, origin="alertmanager")
    closed: list[str] = []

    async def history(*_: object) -> History:
        return History(attempt, said=(fires,))

    async def apply(rollout: str, _: object) -> None:
        closed.append(rollout)

    store: Any = SimpleNamespace(attempts=SimpleNamespace(history=history))
    clock, nothing = SimpleNamespace(now=lambda: NOW), cast("Any", None)
    guard: Any = SimpleNamespace(apply=apply)
    poller = Poller(nothing, (), (), None, "hold", store, nothing, guard, clock, every, nothing)

    async def three_times() -> None:
        for _ in range(3):
            await poller._close(KnownAlerts((), frozenset({"shop"})))

    asyncio.run(three_times())
    assert closed == found
