"""Looks at targets and gates that last: what happens meanwhile counts, and a receiver that ends lets none go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from guarded import NOW, ROLLOUT, new_store, playbook
from handrail.contract import Command, Gate, Playbook, StageFacts, Step
from handrail_receiver.gates.gate import GateStatus
from handrail_receiver.gates.requirement import Requirement
from handrail_receiver.guard import Guard
from handrail_receiver.model import (
    Approved,
    AttemptState,
    Begin,
    Change,
    Conditions,
    Decision,
    Effect,
    EffectState,
    History,
    Open,
    Progress,
    RunState,
    SetState,
)
from handrail_receiver.operations.drift import DriftWatch
from handrail_receiver.operations.handler import CallHandler
from handrail_receiver.operations.walking import Walker
from handrail_receiver.outside.prometheus import NoPrometheus
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Reading, Target
from handrail_receiver.store import Store, open_store
from ports.store_cases import LEASE, decision

pytestmark = pytest.mark.anyio
STEP, OTHER = Command(["x"], ["is-x"]), Command(["y"], ["is-y"])
STAGES = (
    StageFacts(name="10%", weight=0.1, bake=0, advance="when-met"),
    StageFacts(name="100%", weight=1.0, bake=0),
)
BOOK = playbook(stages=STAGES, steps=[STEP, OTHER], gates=(Gate(into="100%"),))
LATER = Conditions(NOW + timedelta(minutes=1))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = open_store(new_store(tmp_path / "handrail.db"), 1000)
    made.engine.start()
    yield made
    await made.engine.close()


@dataclass
class Slow:
    """A target that holds what a test says when a read begins, and answers when it is `let`."""

    holds: bool = False
    let: asyncio.Event = field(default_factory=asyncio.Event)
    reads: int = 0
    faulty: Step | None = None

    async def read(self, step: Step) -> Reading:
        self.reads += 1
        holds = self.holds
        await self.let.wait()
        if step == self.faulty:
            raise ZeroDivisionError("a fault of our own")
        return Reading(done=holds, found="as asked" if holds else "changed")


async def said(store: Store, *changes: Change) -> None:
    """Something is decided in the newest attempt."""

    def decide(history: History) -> Decision:
        return decision(*changes, attempt=history.attempt.id if history.attempt else 0)

    await store.attempts.apply(ROLLOUT, decide, NOW)


async def rolled_back(store: Store, number: int = 0) -> None:
    """A rollback is carried out, and worked."""
    await said(store, Open("rollback", "", number, (STEP, OTHER), None, NOW, supersedes=True))
    (run,) = await store.runs.lease("us", NOW, LEASE)
    for effect in run.effects:
        done = Effect(effect.position, effect.step, EffectState.done)
        await store.runs.record(run, Progress(RunState.open, "", done), NOW)
    over = Progress(RunState.done, "", finished_at=NOW, attempt_state=AttemptState.rolled_back)
    await store.runs.record(run, over, NOW)


def guard_of(store: Store) -> Guard:
    async def apply(rollout: str, decide: Callable[[History], Decision]) -> Decision:
        return await store.attempts.apply(rollout, decide, LATER.now)

    clock = SimpleNamespace(now=lambda: LATER.now)
    return cast("Guard", SimpleNamespace(store=store, conditions=lambda: LATER, apply=apply, clock=clock))


def watch_of(store: Store, target: Slow) -> DriftWatch:
    books = cast("Playbooks", SimpleNamespace(get=lambda _: BOOK))
    return DriftWatch(guard_of(store), books, {"command": cast("Target", target)}, NoPrometheus())


async def soon(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def told(store: Store) -> list[str]:
    """What was decided that is not the begin, by its reason."""
    records = await store.evidence.read(ROLLOUT)
    return [one.body for one in records if one.kind == "decision" and '"by":"alice"' not in one.body]


async def test_an_alert_while_the_targets_are_read_has_them_read_once_more(store: Store) -> None:
    await said(store, Begin(ROLLOUT, "10%", {}, "", playbook=BOOK))
    await rolled_back(store)
    target = Slow(holds=True)
    watch = watch_of(store, target)
    await watch.step()
    await soon(lambda: target.reads == 2)
    watch.soon(ROLLOUT)
    target.let.set()
    await ended(watch)
    await watch.step()
    await ended(watch)
    assert target.reads == 4
    await watch.step()
    await ended(watch)
    assert target.reads == 4


async def ended(watch: DriftWatch | Walker) -> None:
    await asyncio.gather(*watch._looking.values())


async def test_what_was_read_before_the_newest_rollback_is_not_told(store: Store) -> None:
    await said(store, Begin(ROLLOUT, "10%", {}, "", playbook=BOOK))
    await rolled_back(store)
    target = Slow(holds=False)
    watch = watch_of(store, target)
    await watch.step()
    await soon(lambda: target.reads == 2)
    await said(store, SetState(AttemptState.rolling_back))
    await rolled_back(store, 1)
    target.let.set()
    await ended(watch)
    assert await told(store) == []
    watch.soon(ROLLOUT)
    await watch.step()
    await ended(watch)
    (made,) = await told(store)
    assert "changed after the rollback" in made


async def test_a_fault_in_one_target_leaves_the_others_watched(store: Store) -> None:
    await said(store, Begin(ROLLOUT, "10%", {}, "", playbook=BOOK))
    await rolled_back(store)
    target = Slow(holds=False, faulty=STEP)
    target.let.set()
    watch = watch_of(store, target)
    await watch.step()
    await ended(watch)
    (made,) = await told(store)
    assert ("is-y" in made or "y: " in made, "changed after the rollback" in made) == (True, True)


@dataclass
class Gates:
    """Calls whose judgement of a gate lasts until something has happened."""

    meanwhile: Callable[[], Awaitable[None]]
    judged: int = 0

    async def gate(self, _playbook: Playbook, _history: History, **_: Any) -> GateStatus:
        self.judged += 1
        await self.meanwhile()
        lead = Requirement("approval", "lead", met=False, text="nobody has approved as 'lead'")
        return GateStatus("100%", "digest", (lead,))


def walker_of(store: Store, gates: Gates) -> Walker:
    books = cast("Playbooks", SimpleNamespace(get=lambda _: BOOK, all=list))
    return Walker(guard_of(store), books, cast("CallHandler", gates))


async def nothing() -> None:
    pass


async def test_people_are_not_asked_for_what_they_gave_while_the_gate_was_judged(store: Store) -> None:
    await said(store, Begin(ROLLOUT, "10%", {}, "", playbook=BOOK))
    until = datetime.max.replace(tzinfo=NOW.tzinfo) - timedelta(days=400)

    async def approved() -> None:
        await said(store, Approved(1, "100%", "lead", "bob", NOW, until, "digest", "token"))

    gates = Gates(approved)
    walker = walker_of(store, gates)
    await walker.step()
    await ended(walker)
    assert (gates.judged, await told(store)) == (1, [])
    gates.meanwhile = nothing
    walker.soon(ROLLOUT)
    await walker.step()
    await ended(walker)
    (made,) = await told(store)
    assert '"reason":"needs-people"' in made


async def test_a_receiver_that_ends_lets_no_look_go_on(store: Store) -> None:
    await said(store, Begin(ROLLOUT, "10%", {}, "", playbook=BOOK))
    forever = asyncio.Event()

    async def lasts() -> None:
        await forever.wait()

    gates, target = Gates(lasts), Slow()
    walker, watch = walker_of(store, gates), watch_of(store, target)
    await walking(walker, lambda: gates.judged == 1)
    await rolled_back(store)
    await walking(watch, lambda: target.reads == 2)
    looks = [*walker._looking.values(), *watch._looking.values()]
    assert [look.cancelled() for look in looks] == [True, True]


async def walking(watch: DriftWatch | Walker, until: Callable[[], bool]) -> None:
    """Run it until something is so, and end it."""
    running = asyncio.create_task(watch.run())
    await soon(until)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
