"""A loop with a fault in it goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from guarded import NOW, ROLLOUT, playbook, write_playbook
from guarded.playbook import weights
from handrail_receiver.model import Conditions, Run
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.call_decision import decide_call
from handrail_receiver.supervise import run_forever
from receiver.failures.test_any_order import Receiver


def test_a_loop_that_fails_is_said_and_begins_again(caplog: pytest.LogCaptureFixture) -> None:
    begun: list[int] = []

    async def loop() -> None:
        begun.append(len(begun))
        if len(begun) == 1:
            raise KeyError("nobody thought of this")
        await asyncio.Event().wait()

    async def run() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run_forever(loop, pause=0.01), 0.3)

    asyncio.run(run())
    assert begun == [0, 1]
    assert ["it begins again" in record.getMessage() for record in caplog.records] == [True]
    assert "nobody thought of this" in caplog.text


def test_what_is_carried_out_with_a_fault_in_it_is_said_and_begun_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_playbook(tmp_path / "playbook", playbook())
    start = Call("start", "alice", pinned={"rollback": weights(0, 100)})
    faults = ["nobody thought of this"]

    async def run() -> str:
        store, guard = Receiver(tmp_path).started()
        carry_out = guard.executor.carry_out

        async def faulty(run: Run, turn: asyncio.Lock) -> Run:
            if faults:
                raise KeyError(faults.pop())
            return await carry_out(run, turn)

        object.__setattr__(guard.executor, "carry_out", faulty)
        decision = await guard.apply(
            ROLLOUT, lambda history: decide_call(start, playbook(), history, Conditions(NOW))
        )
        while (ended := await guard.ended(decision, 0.1)) is None or ended.finished_at is None:
            await guard.step()
        await store.engine.close()
        return ended.state.value

    assert asyncio.run(asyncio.wait_for(run(), 10)) == "done"
    assert "a fault in start of shop; it stays open and is begun again" in caplog.text
