"""What is due every few seconds, while Prometheus and targets do not answer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from guarded import playbook
from handrail.contract import Playbook
from handrail_receiver.chores import Chores


def test_playbooks_are_read_while_a_rollout_without_stages_waits_for_prometheus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("handrail_receiver.chores.EVERY", 0.01)
    begun, read = asyncio.Event(), asyncio.Event()

    class Books:
        gone = ()

        def all(self) -> list[Playbook]:
            return [playbook(stages=())]

        def refresh(self) -> bool:
            return True

        def keep(self, _: object) -> None:
            if begun.is_set():
                read.set()

    async def hangs(_: Playbook) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def current() -> list[object]:
        return []

    store = SimpleNamespace(attempts=SimpleNamespace(current=current), engine=SimpleNamespace(shared=False))
    made: Any = Chores
    chores = made(None, store, Books(), None, SimpleNamespace(begin_guarding=hangs), None)

    async def nothing() -> None:
        pass

    for chore in ("heartbeat", "began", "tidy"):
        monkeypatch.setattr(chores, chore, nothing)

    async def both() -> None:
        loops = [asyncio.create_task(loop()) for loop in (chores.run, chores.guarding)]
        async with asyncio.timeout(10):
            await read.wait()
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)

    asyncio.run(both())
