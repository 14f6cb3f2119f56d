"""What fires when an attempt begins, and the store is away just then → asked for as after the receiver was away."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from guarded import NOW
from handrail_receiver.catch_up.polling import Poller
from handrail_receiver.errors import StoreDown
from handrail_receiver.model import Received


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
