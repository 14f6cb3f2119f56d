"""What is asked for at once: what fires as an attempt begins, and what is gone, which counts in its time alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from guarded import NOW, playbook
from guarded.kept import Still
from handrail_receiver.catch_up import polling
from handrail_receiver.catch_up.doubts import Doubts
from handrail_receiver.catch_up.polling import KnownAlerts, Poller
from handrail_receiver.errors import StoreDown
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    Decision,
    Heard,
    History,
    LastSaid,
    Received,
)


class Away:
    """An inbox that takes nothing."""

    async def put(self, _: Received) -> None:
        raise StoreDown("frozen")


def test_what_fires_when_an_attempt_begins_is_asked_for_once_the_store_is_back() -> None:
    store: Any = SimpleNamespace(inbox=Away())
    clock = Still()
    nothing: Any = None
    poller = Poller(
        nothing, (), (), "http://prometheus", "hold", store, nothing, nothing, clock, 60, nothing, Doubts(clock)
    )  # fmt: skip
    poller.doubts.end(0)
    asyncio.run(poller.begun([{"alertname": "ShopErrorRateCritical", "rollout": "shop"}]))
    assert (poller.doubts.since(), poller.doubts.asks.is_set()) == (NOW, True)


ATTEMPT = Attempt(7, "shop", "shop", 2, AttemptState.active, "10%", NOW, NOW, "alice")
FIRES = LastSaid("one", "error-rate/warning", firing=True, at=NOW, origin="alertmanager", began=NOW)


@dataclass
class Asked(Poller):
    """A receiver whose Alertmanager has no alert. Beside the questions `meanwhile` happens; `ended` is what was found."""

    said: list[LastSaid] = field(default_factory=list)
    meanwhile: Callable[[int, list[LastSaid]], None] = lambda _question, _said: None
    ended: list[Decision] = field(default_factory=list)
    questions: int = 0

    async def _present(self) -> KnownAlerts:
        self.questions += 1
        self.meanwhile(self.questions, self.said)
        return KnownAlerts((), frozenset({"shop"}))


def three_times(every: float, meanwhile: Callable[[int, list[LastSaid]], None] = lambda *_: None) -> Asked:
    """It has asked three times in a row."""
    poller = asker(every, meanwhile)

    async def asks() -> None:
        for _ in range(3):
            await poller.step()

    asyncio.run(asks())
    return poller


def asker(every: float, meanwhile: Callable[[int, list[LastSaid]], None]) -> Asked:
    """Who asks on a store in memory."""

    async def history(*_: object) -> History:
        return History(ATTEMPT, said=tuple(poller.said))

    async def apply(_: str, decide: Callable[[History], Decision]) -> None:
        poller.ended.append(decide(await history()))

    async def nothing(*_: object) -> None:
        return None

    memory = SimpleNamespace(recall=nothing, remember=nothing)
    inbox = SimpleNamespace(waiting=nothing)

    async def delivered(_: int) -> list[bytes]:
        return []

    store: Any = SimpleNamespace(
        attempts=SimpleNamespace(history=history),
        memory=memory,
        inbox=inbox,
        deliveries=SimpleNamespace(undecided_from=nothing, since=delivered),
    )
    clock, none = Still(), cast("Any", None)
    guard: Any = SimpleNamespace(apply=apply)
    books: Any = SimpleNamespace(all=lambda: [playbook()])
    us: tuple[str, ...] = ()
    poller = Asked(
        none, ("http://alertmanager",), us, None, "hold", store, books, guard, clock, every, none, Doubts(clock)
    )  # fmt: skip
    poller.said, poller.meanwhile = [FIRES], meanwhile
    return poller


@pytest.mark.parametrize(
    ("every", "found"), [(60, []), (0, ["error-rate/warning"])], ids=["at once", "each in its time"]
)
def test_what_is_gone_when_it_is_asked_for_three_times_at_once_is_gone_once(
    every: float, found: list[str]
) -> None:
    """An Alertmanager that was started again knows nothing for a while."""
    ended = [heard.source for made in three_times(every).ended for heard in ends(made)]
    assert ended == found


@pytest.mark.parametrize("question", [2, 3])
def test_what_fires_anew_while_it_is_asked_for_is_not_gone(question: int) -> None:
    """Alertmanager sends it after its answer, and before what follows from that is decided."""

    def fires_anew(now: int, said: list[LastSaid]) -> None:
        if now == question:
            said[:] = [replace(FIRES, began=NOW + timedelta(seconds=1))]

    assert [heard for made in three_times(0, fires_anew).ended for heard in ends(made)] == []


def ends(made: Decision) -> list[Heard]:
    """What ends by a decision."""
    return [change for change in made.changes if isinstance(change, Heard) and not change.firing]


def test_what_is_in_doubt_while_it_asks_is_in_doubt_afterwards() -> None:
    """A delivery may have been refused after its answer was made."""

    def store_was_away(question: int, _: list[LastSaid]) -> None:
        if question == 2:
            poller.in_doubt()

    poller = asker(60, store_was_away)
    heard = []
    for _ in range(3):
        asyncio.run(poller.step())
        heard.append(poller.doubts.since() is None)
    assert heard == [True, False, True]


def test_what_the_store_did_not_keep_is_asked_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes forward until then: a minute later, at the next question, would be late."""
    monkeypatch.setattr(polling, "AGAIN_AFTER", 0.01)

    def store_is_away(question: int, _: list[LastSaid]) -> None:
        if question < 3:
            raise StoreDown("frozen")

    async def asked() -> int:
        poller = asker(60, store_is_away)
        asking = asyncio.create_task(poller.run())
        async with asyncio.timeout(20):
            while poller.doubts.since() is not None:  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.01)
        asking.cancel()
        return poller.questions

    assert asyncio.run(asked()) == 3
