"""Runs that are due → one at a time within an attempt, the strongest first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from guarded.kept import Kept, Still, executor_of, run_of
from handrail.contract import Command, Step
from handrail_receiver.execute.scheduler import Scheduler
from handrail_receiver.model import Progress, Run, RunState
from handrail_receiver.ports import Reading, Rehearsal


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
    return run_of([Command([action], ["x"])], action, number)


def scheduler_of(
    target: Slow,
    runs: Due,
    wake: Callable[[], None] = lambda: None,
    on_end: Callable[[Run], None] = lambda _: None,
) -> Scheduler:
    executor, minute = executor_of(target, runs, on_end=on_end), timedelta(minutes=1)
    return Scheduler(runs, executor, Still(), "a", minute, shared=False, wake=wake)


@pytest.mark.parametrize("told_to_give_way", [False, True], ids=["by its lease", "by the decision as well"])
@pytest.mark.parametrize("ends_after", [0, 0.1], ids=["that ends at once", "that is slow to end"])
def test_a_rollback_that_acts_lets_an_emergency_go_first_and_is_begun_again_after_it(
    ends_after: float, told_to_give_way: bool
) -> None:
    """What opened the emergency gave the attempt a new fence: both are begun, the rollback for the second time."""
    target, runs = Slow(ends_after), Due()
    scheduler = scheduler_of(target, runs)

    async def both() -> None:
        runs.due = [due(1, "rollback")]
        await scheduler.start_due()
        await asyncio.sleep(0.02)
        if told_to_give_way:
            scheduler.give_way(1)
            await asyncio.sleep(0.02 if ends_after else 0)
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


def test_a_step_that_is_slow_to_end_ends_as_it_should_beside_one_that_ends_at_once() -> None:
    """The second waits for the first, and is over when it is stopped: the first is not stopped once more for that."""
    target, runs = Slow(0.05), Due()
    two = run_of([Command([name], ["x"]) for name in ("a", "b")])
    scheduler = scheduler_of(target, runs)

    async def stopped() -> None:
        runs.due = [two]
        await scheduler.start_due()
        await asyncio.sleep(0.02)
        await scheduler.close()

    asyncio.run(stopped())
    assert target.said == ["a", "a stopped"]


def test_a_run_that_was_stopped_before_it_began_is_begun_again() -> None:
    target, runs = Slow(0), Due()
    scheduler = scheduler_of(target, runs)

    async def begun_twice() -> None:
        runs.due = [due(1, "rollback")]
        await scheduler.start_due()
        scheduler.give_way(1)
        await scheduler.all_ended()
        assert (target.said, scheduler.busy) == ([], False)
        await scheduler.start_due()
        await scheduler.all_ended()

    asyncio.run(begun_twice())
    assert target.said == ["rollback", "rollback done"]


def test_a_run_that_meets_a_fault_is_not_begun_again_at_once() -> None:
    class Faulty(Due):
        async def record(self, _run: Run, _progress: Progress, _at: datetime) -> None:
            raise ZeroDivisionError("a fault of our own")

    woken: list[str] = []
    runs = Faulty()
    scheduler = scheduler_of(Slow(0), runs, lambda: woken.append("woken"))

    async def begun() -> None:
        runs.due = [due(1, "rollback")]
        await scheduler.start_due()
        await asyncio.sleep(0.2)
        assert (woken, scheduler.busy) == ([], True)
        await scheduler.all_ended()
        assert (woken, scheduler.busy) == (["woken"], False)

    asyncio.run(begun())


@pytest.mark.parametrize("kept_first", [True, False], ids=["just before", "after"])
def test_an_end_that_is_recorded_is_heard_of_also_when_its_run_is_cancelled(kept_first: bool) -> None:
    """What the store keeps it does not take back: the run is due no more, so that nobody would hear of it later."""

    @dataclass
    class OnDisk(Due):
        ends: asyncio.Event = field(default_factory=asyncio.Event)
        kept: asyncio.Event = field(default_factory=asyncio.Event)

        async def record(self, run: Run, progress: Progress, at: datetime) -> None:
            await super().record(run, progress, at)
            if progress.finished_at is not None:
                self.ends.set()
                await self.kept.wait()

    heard: list[tuple[str, RunState]] = []
    runs = OnDisk(due=[due(1, "rollback")])
    scheduler = scheduler_of(Slow(0), runs, on_end=lambda run: heard.append((run.action, run.state)))

    async def cancelled_while_its_end_is_kept() -> None:
        await scheduler.start_due()
        await runs.ends.wait()
        if kept_first:
            runs.kept.set()
        scheduler.give_way(1)
        if not kept_first:
            await scheduler.all_ended()
            runs.kept.set()
        await scheduler.all_ended()
        await asyncio.sleep(0.01)

    asyncio.run(cancelled_while_its_end_is_kept())
    assert heard == [("rollback", RunState.done)]
