"""The queue of messages: lanes, order, pauses, fallback channels and floods. A real store, no network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import servers
from guarded import NOW
from handrail.contract import Secret, Slack, Tell, Webhook
from handrail_receiver.errors import Cause, Permanent, Retryable, StoreDown
from handrail_receiver.model import (
    AttemptState,
    Change,
    Conditions,
    Decision,
    SetHold,
    SetState,
    Verdict,
)
from handrail_receiver.store_commands.opening import opened
from handrail_receiver.store_commands.status import status
from handrail_receiver.telling.incident import ToldIncident
from handrail_receiver.telling.messenger import KEPT_FOR, MOST_AT_ONCE, MOST_TRIES
from ports.store_cases import begun, by_hand, opening

from .queued import BOSS, PUBLIC, TEAM, FakeTeller, Queue, new_queue

pytestmark = pytest.mark.anyio
CHAT = Tell(Slack("#shop", Secret("token")))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[Queue]:
    made = new_queue(tmp_path)
    yield made
    await made.store.engine.close()


async def test_a_report_is_told_once_and_nobody_hears_of_it_in_place_of_who_cannot_be_told(
    queue: Queue,
) -> None:
    queue.teller.trouble[BOSS] = Permanent(Cause.refused, "no such channel")
    for _ in range(2):
        await queue.store.tellings.want("shop/report/daily/2026-03-01", "shop", (TEAM, BOSS), NOW, once=True)
        for seconds in (0, *(600,) * 12):
            await queue.step(seconds)
    assert queue.teller.to(TEAM) == [("shop/report/daily/2026-03-01", "report")]
    assert queue.teller.to(PUBLIC) == []


async def held(queue: Queue, why: str, *tells: Tell, verdict: Verdict = Verdict.hold) -> None:
    """Somebody holds the rollout, or lets it go on (`why` is empty)."""
    history = await queue.store.attempts.history("shop", queue.clock.at)
    attempt = history.attempt.id if history.attempt else 0
    decision = Decision(
        verdict, "asked-for", why, "shop", "hold", attempt=attempt, changes=(SetHold(why),), tell=tells
    )
    await queue.store.attempts.apply("shop", lambda _: decision, queue.clock.at)


async def looked_at(queue: Queue, rollout: str) -> None:
    """A guardrail of a rollout needs a look."""
    decision = Decision(Verdict.tell, "asked-for", "look", rollout, "investigate", tell=(TEAM,))
    await queue.store.attempts.apply(rollout, lambda _: decision, queue.clock.at)


@pytest.mark.parametrize("shared", [False, True])
async def test_a_clock_that_is_set_back_lets_nobody_wait_for_it_but_by_the_clock_of_a_shared_store(
    queue: Queue, *, shared: bool
) -> None:
    queue.store.engine.shared = shared
    await begun(queue.store)
    queue.teller.trouble[TEAM] = Retryable(Cause.busy, "not now", 60)
    await held(queue, "lunch", TEAM)
    await queue.step(0)
    queue.teller.trouble.clear()
    await queue.step(-3600)
    assert queue.teller.to(TEAM) == []
    await queue.step(60)
    assert queue.teller.to(TEAM) == ([] if shared else [("shop-1", "open")])


async def test_what_began_and_ended_between_two_looks_is_told_as_both(queue: Queue) -> None:
    await begun(queue.store)
    await held(queue, "lunch", TEAM, CHAT)
    await held(queue, "")
    await queue.step()
    assert queue.teller.to(TEAM) == [("shop-1", "open"), ("shop-1", "resolved")]
    assert queue.teller.to(CHAT) == [("shop-1", "resolved")]
    await held(queue, "tea", TEAM)
    await held(queue, "")
    await queue.step()
    assert queue.teller.to(TEAM)[2:] == [("shop-1", "open"), ("shop-1", "resolved")]


async def test_an_opening_that_was_told_is_not_told_again_when_the_end_must_be_tried_again(
    queue: Queue,
) -> None:
    await begun(queue.store)
    await held(queue, "lunch", TEAM)
    await held(queue, "")

    class OnlyOpen(FakeTeller):
        async def tell(self, tell: Tell, incident: ToldIncident, receipt: str) -> str:
            if incident.status == "resolved" and self.begun < 2:
                self.begun += 1
                raise Retryable(Cause.broken, "not now")
            return await super().tell(tell, incident, receipt)

    queue.messenger.teller = queue.teller = OnlyOpen()  # type: ignore[assignment]
    await queue.step()
    await queue.step(1)
    await queue.step(2)
    assert queue.teller.to(TEAM) == [("shop-1", "open"), ("shop-1", "resolved")]


async def test_the_pauses_grow_and_the_channel_s_own_wish_counts(queue: Queue) -> None:
    await begun(queue.store)
    await held(queue, "lunch", TEAM)
    queue.teller.trouble = {TEAM: Permanent(Cause.refused, "403")}
    tried = []
    for second in range(600):
        before = queue.teller.begun
        await queue.step(1 if second else 0)
        tried += [second] * (queue.teller.begun - before - len(queue.teller.said))
        queue.teller.said.clear()
    assert tried == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511]
    queue.teller.trouble = {TEAM: Retryable(Cause.busy, "429", 90.0)}
    await held(queue, "tea", TEAM)
    before = queue.teller.begun
    for _ in range(90):
        await queue.step(1)
    assert queue.teller.begun - before == 1 + len(queue.teller.to(BOSS))


@pytest.mark.parametrize(("changes", "seconds"), [((opening(),), 3), ((), 127)], ids=["a rollback", "a hold"])
async def test_when_it_lasts_those_whom_an_emergency_reaches_are_told_why_and_to_the_end(
    queue: Queue, changes: tuple[Change, ...], seconds: int
) -> None:
    """After three tries while people must act, after eight while nothing presses."""
    await begun(queue.store, *changes)
    await held(queue, "lunch", CHAT, TEAM)
    queue.teller.trouble = {CHAT: Permanent(Cause.missing, "Slack answered channel_not_found")}
    await queue.step()
    for _ in range(seconds):
        assert queue.teller.to(BOSS) == []
        await queue.step(1)
    await queue.step()
    note = "Slack #shop was not told: Slack answered channel_not_found"
    told = [(tell, incident.lines[-1].text == note) for tell, incident in queue.teller.said]
    assert told[0] == (TEAM, False)
    assert sorted(told[1:], key=str) == [(BOSS, True), (TEAM, True)]
    assert (queue.counted()["elsewhere"], queue.messenger.problems) == (
        1.0,
        {"Slack #shop": "Slack answered channel_not_found"},
    )
    queue.teller.trouble = {}
    for _ in range(2):
        await held(queue, "")
        await queue.step()
    assert [incident.lines[-1].text == note for _, incident in queue.teller.said[-3:]] == [False] * 3
    assert (queue.teller.to(PUBLIC), len(queue.teller.to(CHAT)), queue.messenger.problems) == ([], 2, {})


async def test_one_who_asks_for_more_patience_than_people_have_is_not_waited_for(queue: Queue) -> None:
    await begun(queue.store, opening())
    await held(queue, "lunch", CHAT)
    queue.teller.trouble = {CHAT: Retryable(Cause.busy, "429", 3600.0)}
    await queue.step()
    await queue.step()
    assert queue.teller.to(BOSS) == [("shop-1", "open")]


async def test_after_a_day_it_is_given_up_and_counted(queue: Queue) -> None:
    await begun(queue.store)
    await held(queue, "lunch", TEAM)
    queue.teller.trouble = {TEAM: Retryable(Cause.timeout, "silence"), BOSS: Permanent(Cause.refused, "no")}
    for _ in range(MOST_TRIES + 10):
        await queue.step(301)
    assert (queue.clock.at - NOW > timedelta(days=1), queue.counted()["given-up"]) == (True, 2.0)
    assert queue.counted()["failed"] == 2 * MOST_TRIES


async def test_a_lane_that_stands_still_holds_up_no_other_and_takes_one_message_at_a_time(
    queue: Queue,
) -> None:
    queue.teller.slow = {CHAT}
    for number in range(50):
        await queue.store.tellings.want(f"incident-{number}", "shop", (CHAT, TEAM), NOW)
    for _ in range(500):
        if len(queue.teller.to(TEAM)) == 50:
            break
        await queue.messenger.step()
        await asyncio.wait(queue.messenger.running, timeout=0.05, return_when="FIRST_COMPLETED")
    assert (len(queue.teller.to(TEAM)), queue.teller.to(CHAT)) == (50, [])
    queue.teller.go.set()
    while queue.messenger.running or len(queue.teller.to(CHAT)) < 50:
        await queue.step()
    assert [key for key, _ in queue.teller.to(CHAT)] == [f"incident-{number}" for number in range(50)]


async def test_in_a_flood_the_rollback_is_told_first(queue: Queue) -> None:
    await begun(queue.store)
    for number in range(200):
        await looked_at(queue, f"other-{number}")
    await held(queue, "rolled back", TEAM, verdict=Verdict.act)
    await queue.step(1)
    assert queue.teller.to(TEAM) == [("shop-1", "open")]


async def test_a_fault_of_our_own_is_tried_again_too_and_its_lane_goes_on(queue: Queue) -> None:
    queue.teller.trouble = {TEAM: KeyError("a mistake")}
    await queue.store.tellings.want("one", "shop", (TEAM, CHAT), NOW)
    await queue.step()
    queue.teller.trouble = {}
    await queue.step(1)
    assert (queue.teller.to(CHAT), queue.teller.to(TEAM)) == ([("one", "open")], [("one", "open")])


async def test_what_was_told_to_nobody_before_the_next_attempt_is_told_as_over(queue: Queue) -> None:
    await begun(queue.store)
    await held(queue, "lunch", TEAM)
    await begun(queue.store)
    await queue.step()
    assert [(incident.title, incident.status) for _, incident in queue.teller.said] == [
        ("shop: this attempt is over, the next one has begun", "open"),
        ("shop: this attempt is over, the next one has begun", "resolved"),
    ]


async def test_an_attempt_that_was_abandoned_is_over_for_those_who_were_told(queue: Queue) -> None:
    await begun(queue.store, opening())
    await held(queue, "it failed", TEAM)
    await queue.step()
    history = await queue.store.attempts.history("shop", NOW)
    assert history.attempt is not None
    closed = Decision(
        Verdict.act,
        "abandoned",
        "closed",
        "shop",
        "abandon",
        attempt=history.attempt.id,
        changes=(SetState(AttemptState.abandoned),),
    )
    await queue.store.attempts.apply("shop", lambda _: closed, NOW)
    await queue.step()
    assert [(incident.title, incident.status) for _, incident in queue.teller.said] == [
        ("shop: rollback under way", "open"),
        ("shop: the attempt was abandoned", "resolved"),
    ]


async def test_each_try_at_one_state_has_the_same_version_and_the_next_state_another(queue: Queue) -> None:
    await begun(queue.store)
    await held(queue, "lunch", TEAM)
    await queue.step()
    await held(queue, "tea", TEAM)
    queue.teller.trouble = {TEAM: Retryable(Cause.timeout, "the answer was lost")}
    tried: list[ToldIncident] = []
    queue.teller.heard = tried.append
    await queue.step()
    await queue.step(1)
    assert [incident.version for incident in tried] == [2, 2]


async def test_what_a_dead_receiver_was_telling_is_told_again_after_a_minute(queue: Queue) -> None:
    await begun(queue.store)
    await held(queue, "lunch", TEAM)
    await queue.store.tellings.due(queue.clock.at, queue.clock.at + KEPT_FOR)  # and it is killed
    await queue.step(59)
    assert queue.teller.said == []
    await queue.step(2)
    assert queue.teller.to(TEAM) == [("shop-1", "open")]


async def test_of_two_receivers_on_one_store_one_tells(queue: Queue) -> None:
    await begun(queue.store)
    await held(queue, "lunch", TEAM)
    other = replace(queue.messenger, _telling={})
    await asyncio.gather(queue.messenger.step(), other.step())
    await asyncio.wait([*queue.messenger.running, *other.running])
    assert queue.teller.to(TEAM) == [("shop-1", "open")]


async def test_a_row_that_cannot_be_read_keeps_nobody_else_from_being_told(
    queue: Queue, tmp_path: Path
) -> None:
    await begun(queue.store)
    await held(queue, "lunch", TEAM, CHAT)
    url = f"sqlite:{tmp_path / 'handrail.db'}"
    by_hand(url, """UPDATE telling SET tell = '{"channel": {"kind": "fax"}}' WHERE tell LIKE '%slack%'""")
    await queue.step()
    await queue.step(1)
    assert queue.teller.to(TEAM) == [("shop-1", "open")]
    with opened(url) as found:
        said = [one for one in status(found, NOW).problems if "told" in one]
    assert said == ["somebody was not told of shop: this version cannot read who is to be told"]


async def test_a_fault_in_what_is_watched_keeps_nobody_from_being_told(queue: Queue) -> None:
    def conditions() -> Conditions:
        raise PermissionError("the kill switch's folder")

    queue.messenger.conditions = conditions
    await begun(queue.store)
    await held(queue, "lunch", TEAM)
    running = asyncio.create_task(queue.messenger.run())
    await asyncio.to_thread(servers.until, lambda: bool(queue.teller.said), "the message")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert queue.teller.to(TEAM) == [("shop-1", "open")]


async def test_the_public_is_not_told_how_the_guard_itself_is(queue: Queue) -> None:
    await queue.store.tellings.want("handrail-blind", "handrail", (PUBLIC, TEAM), NOW)
    await begun(queue.store)
    await held(queue, "lunch", PUBLIC)
    await queue.step()
    await queue.step()
    assert queue.teller.to(PUBLIC) == [("shop-1", "open")]
    assert [key for key, _ in queue.teller.to(TEAM)] == ["handrail-blind"] * 2


async def test_what_was_told_while_the_store_was_away_is_told_once(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begun(queue.store)
    await held(queue, "lunch", TEAM)
    told, down = queue.store.tellings.told, [StoreDown("frozen"), StoreDown("frozen")]

    async def away(*given: Any) -> None:
        if down:
            raise down.pop()
        await told(*given)

    monkeypatch.setattr(queue.store.tellings, "told", away)
    await queue.step()
    await queue.step(120)
    assert (down, queue.teller.to(TEAM)) == ([], [("shop-1", "open")])


async def test_a_thousand_dead_channels_are_not_all_called_at_once(queue: Queue) -> None:
    tells = [Tell(Webhook(f"https://hooks.example/{number}")) for number in range(MOST_AT_ONCE + 50)]
    queue.teller.slow = set(tells)
    await queue.store.tellings.want("incident", "shop", tells, NOW)
    for _ in range(3):
        await queue.messenger.step()
    assert len(queue.messenger.running) == MOST_AT_ONCE
    queue.teller.go.set()
    while len(queue.teller.said) < len(tells):
        await queue.step()
    assert {tell for tell, _ in queue.teller.said} == set(tells)
