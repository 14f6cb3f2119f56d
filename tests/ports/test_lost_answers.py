"""A commit whose answer is lost: the database has it, and who asked for it is told that the store is down."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from guarded import NOW
from guarded.kept import Still, executor_of
from handrail.contract import Command, Step
from handrail_receiver.errors import LeaseLost, StoreDown
from handrail_receiver.execute import executor
from handrail_receiver.execute.scheduler import Scheduler
from handrail_receiver.model import Progress, Run, RunState
from handrail_receiver.ports import Reading, Rehearsal
from handrail_receiver.store import Store
from ports.store_cases import LATER, LEASE, begun, opening

pytestmark = pytest.mark.anyio
ENDED = Progress(RunState.done, "a is done", acted_at=LATER, finished_at=LATER)


@dataclass
class Done:
    """A target that is as asked: nothing is left but to say so."""

    async def rehearse(self, step: Step) -> Rehearsal:
        return Rehearsal(ready=True, reason="", step=step, call="")

    async def read(self, _step: Step) -> Reading:
        return Reading(done=True, found="done")

    async def act(self, _step: Step) -> None:
        raise AssertionError("it is done already")


def cut_after_commit(store: Store) -> list[bool]:
    """The connections of a store, each of which is cut after a commit for every item of the list."""
    cuts: list[bool] = []
    connect, down = store.engine._connect, store.engine._down[0]

    def connected() -> object:
        connection = connect()
        end = connection.end

        def cut(word: str) -> None:
            end(word)
            if word == "COMMIT" and cuts:
                cuts.pop()
                raise down("the connection was cut")

        connection.end = cut  # type: ignore[method-assign]
        return connection

    store.engine._connect = connected  # type: ignore[assignment]
    return cuts


async def rolled_back_with(store: Store) -> Run:
    """A rollback of one step that is open, in a store with an attempt."""
    await begun(store, replace(opening(), steps=(Command(["a"], ["x"]),), proof=None))
    (run,) = await store.runs.lease("a", LATER, LEASE)
    return run


async def test_a_run_whose_end_was_committed_unheard_is_counted_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "AGAIN_AFTER", 0.01)
    cuts, ended = cut_after_commit(store), list[Run]()
    await rolled_back_with(store)
    carried = executor_of(Done(), store.runs, on_end=ended.append)
    scheduler = Scheduler(store.runs, carried, Still(LATER), "a", LEASE, shared=False, wake=lambda: None)
    await scheduler.start_due()
    cuts.append(True)
    await scheduler.all_ended()
    await scheduler.start_due()
    assert not scheduler.busy
    assert [(run.action, run.state) for run in ended] == [("rollback", RunState.done)]
    history = await store.attempts.history("shop", LATER)
    assert [(run.action, run.state, run.finished_at) for run in history.runs] == [("rollback", "done", NOW)]


async def test_an_end_that_is_recorded_again_is_one_record_and_another_end_is_refused(store: Store) -> None:
    cuts, run = cut_after_commit(store), await rolled_back_with(store)
    cuts.append(True)
    with pytest.raises(StoreDown):
        await store.runs.record(run, ENDED, LATER)
    await store.runs.record(run, ENDED, LATER)
    with pytest.raises(LeaseLost):
        await store.runs.record(run, replace(ENDED, state=RunState.failed), LATER)
    records = await store.evidence.read("shop")
    assert [one.kind for one in records if one.kind == "outcome"] == ["outcome"]
