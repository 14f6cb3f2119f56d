"""Runs that are due → one at a time within an attempt, the strongest first."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from guarded import NOW
from guarded.kept import Kept, Unfenced
from handrail.contract import Command, Step
from handrail_receiver.execute.executor import Executor
from handrail_receiver.execute.rates import Rates
from handrail_receiver.execute.scheduler import Scheduler
from handrail_receiver.model import Effect, Run, RunState
from handrail_receiver.outside.prometheus import NoPrometheus
from handrail_receiver.ports import Reading, Rehearsal


class Still:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


@dataclass
class Due(Kept):
    """What a store leases next."""

    due: list[Run] = field(default_factory=list)

    async def lease(self, _owner: str, _at: datetime, _lasting: timedelta) -> list[Run]:
        return self.due


@dataclass
class Slow:
    """A target that says which acts begin and end. One that is stopped takes `ends_after` seconds to end."""

    ends_after: float
    said: list[str] = field(default_factory=list)

    async def rehearse(self, step: Step) -> Rehearsal:
        return Rehearsal(ready=True, reason="", step=step, call="")

    async def read(self, step: Step) -> Reading:
        done = f"{argument(step)} done" in self.said
        return Reading(done=done, found="done" if done else "not done")

    async def act(self, step: Step) -> None:
        self.said.append(argument(step))
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            await asyncio.sleep(self.ends_after)
            self.said.append(f"{argument(step)} stopped")
            raise
        self.said.append(f"{argument(step)} done")


def argument(step: Step) -> str:
    assert isinstance(step, Command)
    return step.argv[0]


def due(number: int, action: str) -> Run:
    """An open run of one step, which is called like its action."""
    effects = (Effect(0, Command([action], ["x"])),)
    return Run(
        number, 1, "shop", action, "", 0, RunState.open, "alert", "why", NOW, NOW, NOW, effects=effects
    )


@pytest.mark.parametrize("ends_after", [0, 0.1], ids=["that ends at once", "that is slow to end"])
def test_a_rollback_that_acts_lets_an_emergency_go_first_and_is_begun_again_after_it(
    ends_after: float,
) -> None:
    """What opened the emergency gave the attempt a new fence: both are begun, the rollback for the second time."""
    target, runs = Slow(ends_after), Due()
    executor = Executor(
        {"command": target},
        runs,
        NoPrometheus(),
        Still(),
        Rates(Still(), 60),
        str,
        lambda *_: (),
        lambda: False,
        Unfenced(),
    )
    minute = timedelta(minutes=1)
    scheduler = Scheduler(
        runs, executor, Still(), "a", minute, shared=False, on_end=lambda _: None, wake=lambda: None
    )

    async def both() -> None:
        runs.due = [due(1, "rollback")]
        await scheduler.start_due()
        await asyncio.sleep(0.02)
        runs.due = [replace(run, fence=1) for run in (due(1, "rollback"), due(2, "emergency-rollback"))]
        await scheduler.start_due()
        await scheduler.all_ended()

    asyncio.run(both())
    assert target.said == [
        "rollback",
        "rollback stopped",
        "emergency-rollback",
        "emergency-rollback done",
        "rollback",
        "rollback done",
    ]
