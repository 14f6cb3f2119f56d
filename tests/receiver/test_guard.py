"""The guard between a call and what follows from it, where the store is away in between."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from guarded import NOW
from handrail_receiver.errors import StoreDown
from handrail_receiver.guard import Guard
from handrail_receiver.metrics import Metrics
from handrail_receiver.model import Conditions, Decision, Run, Settled
from handrail_receiver.tasks import end
from ports.store_cases import decision


class Leaseless:
    """A store that decides, and is away when what follows is to begin."""

    def __init__(self) -> None:
        self.attempts = self.runs = self
        self.engine = SimpleNamespace(shared=False)

    async def apply(self, *_: Any) -> Decision:
        return decision()

    async def lease(self, _owner: str, _at: datetime, _lasting: timedelta) -> list[Run]:
        raise StoreDown("frozen")


def test_a_call_that_was_decided_is_answered_though_nothing_can_begin_yet(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store: Any = Leaseless()
    nothing: Any = None
    clock = SimpleNamespace(now=lambda: NOW)
    guard = Guard(store, nothing, nothing, clock, Metrics(NOW), lambda: Conditions(NOW), "us", 10)
    decided = asyncio.run(guard.apply("shop", lambda _: decision()))
    assert decided == decision()
    assert "what shop decided is begun once the store answers: frozen" in caplog.text


def test_what_was_sent_while_the_store_was_away_is_in_doubt() -> None:
    class Away(Leaseless):
        def __init__(self) -> None:
            super().__init__()
            self.inbox = self

        async def settle(self, *_: Any) -> list[Settled]:
            raise StoreDown("frozen")

    store: Any = Away()
    nothing: Any = None
    doubted = asyncio.Event()
    clock = SimpleNamespace(now=lambda: NOW)
    guard = Guard(
        store, nothing, nothing, clock, Metrics(NOW), lambda: Conditions(NOW), "us", 10, on_store_down=doubted.set
    )  # fmt: skip

    async def runs_until_then() -> None:
        deciding = asyncio.create_task(guard.run())
        async with asyncio.timeout(10):
            await doubted.wait()
        await end([deciding])

    asyncio.run(runs_until_then())
