"""When a load burst may begin or go on, and what is recorded of one whose receiver was killed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from guarded import NOW, load_burst, new_store, playbook
from guarded.playbook import with_thin
from handrail_receiver.errors import StoreDown
from handrail_receiver.load_bursts.bursts import BEGUN, GRACE, LONGEST, Bursts, against
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    Conditions,
    History,
    LastSaid,
    Once,
    SetState,
    moment_key,
)
from handrail_receiver.store import Store, open_store
from ports.store_cases import begun, decision

RUSH = load_burst()
BOOK = with_thin(playbook(bursts=(RUSH,), tiers={"leaks/critical": {"shadow": True}}))
ATTEMPT = Attempt(7, "shop", "shop", 2, AttemptState.active, "10%", NOW, NOW, "alice")
FREE = Conditions(NOW)


def why(attempt: Attempt = ATTEMPT, *fires: str, now: Conditions = FREE) -> str:
    said = tuple(LastSaid(one, one, firing=True, at=NOW) for one in fires)
    return against(RUSH, ATTEMPT, BOOK, History(attempt, said=said), now)


def test_it_may_begin_while_its_attempt_goes_forward_in_its_stage() -> None:
    assert why() == ""
    assert why(replace(ATTEMPT, stage="50%")) == "stage 10% was left"
    assert why(replace(ATTEMPT, held="alice looks")) == "it is held: alice looks"
    for state in set(AttemptState) - {AttemptState.active}:
        assert why(replace(ATTEMPT, state=state)) == "its attempt does not go forward any more"
    assert why(replace(ATTEMPT, id=8)) == "its attempt does not go forward any more"


def test_the_kill_switch_a_blind_guard_and_what_fires_speak_against_it() -> None:
    assert why(now=Conditions(NOW, stopped=True)) == "the kill switch is set"
    assert why(now=Conditions(NOW, blind="no heartbeat")) == "no heartbeat"
    assert why(ATTEMPT, "error-rate/warning", "error-rate/critical") == (
        "error-rate/critical, error-rate/warning fire"
    )
    assert why(ATTEMPT, "error-rate/blind", "error-rate/thin", "leaks/critical") == ""


class Guarding:
    """What a burst needs of the guard: the store, a clock that is set by hand, and decisions."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock, self.at, self.stopped = store, self, NOW, False

    def now(self) -> datetime:
        return self.at

    def conditions(self) -> Conditions:
        return Conditions(self.at, self.stopped)

    async def apply(self, rollout: str, decide: Callable[[History], Any]) -> Any:
        return await self.store.attempts.apply(rollout, decide, self.at)


class Books:
    def get(self, _: str) -> Any:
        return BOOK


@dataclass(frozen=True)
class Answer:
    status: int


class Nowhere:
    """Nothing is sent; and nothing in a text is secret."""

    @property
    def secrets(self) -> Nowhere:
        return self

    def redact(self, text: str) -> str:
        return text

    async def answered(self, *_: Any, **__: Any) -> Any:
        return Answer(200)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(new_store(tmp_path / "handrail.db"), 10)
    opened.engine.start()
    yield opened
    await opened.engine.close()


async def recorded(store: Store) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in await store.evidence.read("shop") if one.kind == "burst"]


@pytest.mark.anyio
@pytest.mark.parametrize("rolled_back", [False, True])
@pytest.mark.parametrize("shared", [False, True], ids=["at once by itself", "after its time among others"])
async def test_what_was_begun_and_has_no_end_was_interrupted(
    store: Store, *, rolled_back: bool, shared: bool
) -> None:
    store.engine.shared = shared
    await begun(store)
    (attempt,) = await store.attempts.current()
    changes = [Once(f"{BEGUN}{moment_key(attempt, RUSH)}")]
    also = [SetState(AttemptState.rolled_back)] if rolled_back else []
    said = replace(decision(*changes, *also, rollout="shop"), attempt=attempt.id)
    await store.attempts.apply("shop", lambda _: said, NOW)
    guard: Any = Guarding(store)
    made: Callable[..., Bursts] = Bursts
    bursts = made(guard, Books(), Nowhere())
    if shared:
        guard.at = NOW + timedelta(seconds=RUSH.within) + GRACE
        await bursts.step()
        assert await recorded(store) == []
    guard.at += timedelta(seconds=1)
    for _ in range(2):
        await bursts.step()
    (only,) = await recorded(store)
    assert (only["ended"], only["sent"], only["ok"], only["why"]) == (
        "interrupted",
        0,
        False,
        "the receiver was stopped while it was under way; it is not repeated",
    )
    assert (only["known"], only["text"]) == (
        False,
        f"load burst rush of stage 10%: interrupted ({only['why']}); how many of 10 were sent is not known",
    )


async def decisions(store: Store) -> list[tuple[str, str]]:
    bodies = [json.loads(one.body) for one in await store.evidence.read("shop") if one.kind == "decision"]
    return [(one["reason"], one["text"]) for one in bodies if one["action"] == "load-burst"]


@pytest.mark.anyio
async def test_one_whose_receiver_was_killed_is_recorded_though_the_next_attempt_has_begun(
    store: Store,
) -> None:
    store.engine.shared = True
    await begun(store)
    (attempt,) = await store.attempts.current()
    changes = (Once(f"{BEGUN}{moment_key(attempt, RUSH)}"), SetState(AttemptState.abandoned))
    said = replace(decision(*changes, rollout="shop"), attempt=attempt.id)
    await store.attempts.apply("shop", lambda _: said, NOW)
    await begun(store)
    guard: Any = Guarding(store)
    made: Callable[..., Bursts] = Bursts
    guard.at = NOW + timedelta(seconds=RUSH.within) + GRACE + timedelta(seconds=1)
    bursts = made(guard, Books(), Nowhere())
    for _ in range(2):
        await bursts._interrupted()
    (only,) = await recorded(store)
    assert (only["attempt"], only["ended"], only["known"]) == (attempt.id, "interrupted", False)


@pytest.mark.anyio
async def test_what_keeps_it_from_beginning_is_recorded_once(store: Store) -> None:
    await begun(store)
    guard: Any = Guarding(store)
    guard.stopped = True
    made: Callable[..., Bursts] = Bursts
    bursts = made(guard, Books(), Nowhere())
    for _ in range(2):
        await bursts.step()
    waits = ("load-burst-waits", "load burst rush of stage 10% does not begin: the kill switch is set")
    assert await decisions(store) == [waits]
    guard.stopped = False
    await bursts.step()
    begins = "load burst rush of stage 10% begins: 10 requests by 1 users to https://shop.example/"
    assert await decisions(store) == [waits, ("load-burst", begins)]
    await bursts.ended()


@pytest.mark.anyio
async def test_what_came_of_one_is_kept_once_the_store_is_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begun(store)
    guard: Any = Guarding(store)
    made: Callable[..., Bursts] = Bursts
    bursts, keep, tries = made(guard, Books(), Nowhere()), store.snapshots.keep, []

    async def away_at_first(*given: Any) -> None:
        tries.append(given)
        if len(tries) == 1:
            raise StoreDown("its disk is full")
        await keep(*given)

    monkeypatch.setattr(store.snapshots, "keep", away_at_first)
    monkeypatch.setattr("handrail_receiver.load_bursts.bursts.LOOK_EVERY", 0.01)
    await bursts.step()
    await bursts.ended()
    (only,) = await recorded(store)
    assert (len(tries), only["ended"], only["known"]) == (2, "done", True)


@pytest.mark.anyio
async def test_a_fault_in_what_is_due_leaves_what_is_under_way(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard: Any = Guarding(store)
    made: Callable[..., Bursts] = Bursts
    bursts, looks, twice = made(guard, Books(), Nowhere()), [], asyncio.Event()

    async def faulty() -> None:
        looks.append("a look")
        if len(looks) == 2:
            twice.set()
        raise ZeroDivisionError("a fault of our own")

    monkeypatch.setattr(bursts, "step", faulty)
    monkeypatch.setattr("handrail_receiver.load_bursts.bursts.LOOK_EVERY", 0.01)
    under_way = bursts._running["shop"] = asyncio.create_task(asyncio.sleep(600))
    running = asyncio.create_task(bursts.run())
    await asyncio.wait([running, asyncio.ensure_future(twice.wait())], return_when=asyncio.FIRST_COMPLETED)
    assert (running.done(), under_way.done()) == (False, False)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert under_way.cancelled()


@pytest.mark.anyio
async def test_one_that_the_playbook_has_no_more_keeps_others_back_for_no_longer_than_it_could_last(
    store: Store,
) -> None:
    await begun(store)
    (attempt,) = await store.attempts.current()
    gone = moment_key(attempt, load_burst(name="gone"))
    said = replace(decision(Once(f"{BEGUN}{gone}"), rollout="shop"), attempt=attempt.id)
    await store.attempts.apply("shop", lambda _: said, NOW)
    guard: Any = Guarding(store)
    made: Callable[..., Bursts] = Bursts
    bursts, rush = made(guard, Books(), Nowhere()), f"{BEGUN}{moment_key(attempt, RUSH)}"
    begins, store.engine.shared = [], True
    for later in (timedelta(), LONGEST + GRACE, LONGEST + GRACE + timedelta(seconds=1)):
        guard.at = NOW + later
        await bursts.step()
        begins.append(rush in (await store.attempts.history("shop", guard.at)).once)
    await bursts.ended()
    assert begins == [False, False, True]
