"""That the guard itself is blind, and sees again → told, also when the store is away at that moment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from handrail_receiver.errors import StoreDown
from handrail_receiver.model import HEARTBEAT, Conditions

from .queued import TEAM, Queue, new_queue

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("missing", ["recall", "forget"])
async def test_that_the_guard_sees_again_is_told_though_the_store_is_away_just_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """And it is told anew when it turns blind once more."""
    queue = new_queue(tmp_path)
    blind, memory = "no heartbeat for 600 s", queue.store.memory
    queue.messenger.conditions = lambda: Conditions(queue.clock.at, blind=blind)
    await watched(queue)
    blind = ""
    await memory.remember(HEARTBEAT, queue.clock.at + timedelta(seconds=1))
    answers, down = getattr(memory, missing), [StoreDown("frozen")]

    async def away(name: str) -> Any:
        if name == "handrail-blind" and down:
            raise down.pop()
        return await answers(name)

    monkeypatch.setattr(memory, missing, away)
    with pytest.raises(StoreDown):
        await watched(queue)
    await watched(queue)
    assert (down, [status for _, status in queue.teller.to(TEAM)]) == ([], ["open", "resolved"])
    blind = "no heartbeat for 900 s"
    await watched(queue)
    assert [status for _, status in queue.teller.to(TEAM)] == ["open", "resolved", "open"]
    await queue.store.engine.close()


async def watched(queue: Queue) -> None:
    """Look at the guard itself, and tell what follows."""
    await queue.messenger._watch()
    await queue.step(1)
