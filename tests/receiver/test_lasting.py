"""A loop with a fault in it goes on."""

from __future__ import annotations

import asyncio

import pytest
from handrail_receiver.lasting import for_good


def test_a_loop_that_fails_is_said_and_begins_again(caplog: pytest.LogCaptureFixture) -> None:
    begun: list[int] = []

    async def loop() -> None:
        begun.append(len(begun))
        if len(begun) == 1:
            raise KeyError("nobody thought of this")
        await asyncio.Event().wait()

    async def run() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(for_good(loop, pause=0.01), 0.3)

    asyncio.run(run())
    assert begun == [0, 1]
    assert ["it begins again" in record.getMessage() for record in caplog.records] == [True]
    assert "nobody thought of this" in caplog.text
