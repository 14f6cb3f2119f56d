"""One suite for every store: nothing kept is lost, nothing is done twice, and only one receiver works on an attempt."""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from guarded import NOW
from handrail.contract import Tell, Webhook
from handrail_receiver.errors import Full, LeaseLost, ReceiverError
from handrail_receiver.model import (
    SET_BACK,
    Attempt,
    AttemptState,
    Begin,
    Captured,
    Decision,
    Effect,
    EffectState,
    Heard,
    History,
    LastSaid,
    Progress,
    Received,
    RunState,
    SetHold,
    SetState,
    Settled,
    Stored,
    Verdict,
)
from handrail_receiver.ports import Look
from handrail_receiver.store import Store, open_store
from handrail_receiver.store.chain import first_broken, first_broken_of
from handrail_receiver.store.histories import after
from ports.store_cases import LATER, LEASE, STEPS, begun, by_hand, decision, delivered, judged, opening

pytestmark = pytest.mark.anyio


async def test_a_delivery_is_judged_once_with_all_that_was_sent(store: Store) -> None:
    await store.inbox.put(Received(NOW, "alertmanager-1", b"\x00 any bytes"))
    seen: list[Stored] = []

    def judge(stored: Stored, _look: Look) -> list[Decision]:
        seen.append(stored)
        return []

    assert await store.inbox.waiting() == 1
    first = await store.inbox.settle(judge, NOW, 10)
    assert [(one.at, one.decisions) for one in first] == [(NOW, ())]
    assert await store.inbox.settle(judge, NOW, 10) == []
    assert [(one.at, one.source, one.body) for one in seen] == [(NOW, "alertmanager-1", b"\x00 any bytes")]
    assert await store.inbox.waiting() == 0


async def test_a_full_inbox_takes_nothing_until_something_is_decided(store: Store) -> None:
    await delivered(store, 5)
    with pytest.raises(Full, match="5 deliveries wait to be decided"):
        await delivered(store)
    await store.inbox.settle(judged(), NOW, 10)
    await delivered(store)
    assert await store.inbox.waiting() == 1


async def test_each_decision_sees_what_the_one_before_changed(store: Store) -> None:
    await begun(store)
    await delivered(store)
    seen: list[tuple[LastSaid, ...]] = []

    def judge(_stored: Stored, look: Look) -> Iterator[Decision]:
        for series in ("one", "two"):
            history = look("shop")
            seen.append(history.said)
            assert history.attempt is not None
            yield decision(Heard(series, "error-rate/critical", firing=True), attempt=history.attempt.id)

    await store.inbox.settle(judge, NOW, 10)
    assert seen == [(), (LastSaid("one", "error-rate/critical", firing=True, at=NOW),)]


async def test_a_delivery_that_takes_too_long_for_one_write_is_decided_in_several(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begun(store)
    await delivered(store, 2)
    monkeypatch.setattr("handrail_receiver.store.inbox.ENOUGH", 0)
    seen: list[tuple[str, ...]] = []

    def judge(stored: Stored, look: Look) -> Iterator[Decision]:
        for name in ("one", "two") if stored.number == 1 else ("three",):
            history = look("shop")
            seen.append(tuple(said.series for said in history.said))
            assert history.attempt is not None
            heard = Heard(name, "error-rate/critical", firing=True)
            yield decision(heard, attempt=history.attempt.id, verdict=Verdict.note, text=name)

    parts = [one for _ in range(8) for one in await store.inbox.settle(judge, NOW, 10)]
    said = [(one.numbers, [made.text for made in one.decisions], len(one.before)) for one in parts]
    assert said == [
        ([], ["one"], 0),
        ([], ["two"], 1),
        ([1], [], 2),
        ([], ["three"], 0),
        ([2], [], 1),
    ]
    assert seen == [(), ("one",), ("one", "two")]
    assert (parts[2].first, await store.inbox.waiting()) == (parts[0].decisions[0], 0)


async def test_what_is_decided_in_part_still_fills_the_inbox(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await delivered(store, 5)
    monkeypatch.setattr("handrail_receiver.store.inbox.ENOUGH", 0)
    two = [decision(verdict=Verdict.note, text=text) for text in ("one", "two")]
    (part,) = await store.inbox.settle(judged(*two), NOW, 10)
    assert part.numbers == []
    with pytest.raises(Full, match="5 deliveries wait to be decided"):
        await delivered(store)


async def test_a_message_too_long_for_an_index_keeps_no_other_decision_back(store: Store) -> None:
    attempt = (await begun(store)).attempt
    await delivered(store)
    long = Tell(Webhook("https://hooks.example/x"), template=secrets.token_hex(20_000))
    heard = Heard("one", "error-rate/critical", firing=True)
    told, other = decision(tell=(long,), attempt=attempt), decision(heard, attempt=attempt)
    (settled,) = await store.inbox.settle(judged(told, other), NOW, 10)
    assert [one.series for one in (await store.attempts.history("shop", NOW)).said] == ["one"]
    assert [made.reason for made in settled.decisions][1:] == ["asked-for"]


async def test_what_a_write_that_failed_had_decided_is_decided_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await delivered(store)
    monkeypatch.setattr("handrail_receiver.store.inbox.ENOUGH", 0)
    fails: list[bool] = []
    judgements: list[str] = []

    def judge(_stored: Stored, _look: Look) -> Iterator[Decision]:
        judgements.append("begun")
        for number in range(2):
            if number and fails.pop(0):
                raise RuntimeError("the database wants to be asked again")
            yield decision(verdict=Verdict.note, text=str(number))

    fails[:] = [True]
    (first,) = await store.inbox.settle(judge, NOW, 10)
    with pytest.raises(RuntimeError):
        await store.inbox.settle(judge, NOW, 10)
    fails[:] = [False]
    parts = [one for _ in range(4) for one in await store.inbox.settle(judge, NOW, 10)]
    assert [one.text for one in first.decisions] == ["0"]
    assert [[made.text for made in one.decisions] for one in parts] == [["0"], ["1"], []]
    assert (judgements, parts[-1].numbers) == (["begun", "begun"], [1])


async def test_what_is_known_without_reading_anew_is_what_would_be_read(store: Store) -> None:
    made = await begun(store, Heard("one", "error-rate/critical", firing=True))
    changes = (
        Heard("one", "error-rate/critical", firing=False, origin="alertmanager"),
        SetHold("alice: wait"),
        Heard("two", "leaks/critical", firing=True, began=NOW - timedelta(seconds=3)),
    )
    before = await store.attempts.history("shop", NOW)
    await store.attempts.apply("shop", lambda _: decision(*changes, attempt=made.attempt), LATER)
    read = await store.attempts.history("shop", NOW)
    known = after(before, changes, LATER)
    assert known is not None
    assert (known.attempt, set(known.said)) == (read.attempt, set(read.said))
    assert after(before, (opening(),), LATER) is None


async def test_each_decision_sees_what_was_opened_for_another_rollout_of_the_service(store: Store) -> None:
    for rollout in ("shop", "search"):
        await begun(store, rollout=rollout)
    await delivered(store)
    counted: list[int] = []

    def judge(_stored: Stored, look: Look) -> Iterator[Decision]:
        look("search")  # a warning of it was judged before
        for rollout in ("shop", "search"):
            history = look(rollout)
            counted.append(history.automatic_today)
            assert history.attempt is not None
            yield decision(opening(), rollout=rollout, attempt=history.attempt.id, by="alert")

    await store.inbox.settle(judge, NOW, 10)
    assert counted == [0, 1]


async def test_what_repeats_a_delivery_is_settled_with_it(store: Store) -> None:
    for _ in range(3):
        await store.inbox.put(Received(NOW, "alertmanager-1", b"the same"))
    repeat = decision(verdict=Verdict.repeat)
    assert await store.inbox.settle(judged(repeat), NOW, 10) == [Settled([1, 2, 3], NOW, (repeat,))]
    assert await store.inbox.waiting() == 0


async def test_an_attempt_is_what_was_begun(store: Store) -> None:
    opened = await begun(store)
    history = await store.attempts.history("shop", NOW)
    assert history == History(
        attempt=Attempt(
            id=opened.attempt,
            rollout="shop",
            service="shop",
            number=1,
            state=AttemptState.active,
            stage="10%",
            stage_entered_at=NOW,
            started_at=NOW,
            started_by="alice",
            pinned={"rollback": STEPS},
        ),
        captured=(Captured("error-rate", "before", 0.25),),
    )
    assert await store.attempts.history("another", NOW) == History()


async def test_a_run_exists_once_for_each_round_whoever_asks_for_it(store: Store) -> None:
    attempt = (await begun(store)).attempt
    for _ in range(2):
        await store.attempts.apply("shop", lambda _: decision(opening(), attempt=attempt), NOW)
    await store.attempts.apply("shop", lambda _: decision(opening(number=1), attempt=attempt), NOW)
    runs = (await store.attempts.history("shop", NOW)).runs
    assert [(run.action, run.round, run.state) for run in runs] == [
        ("rollback", 0, RunState.open),
        ("rollback", 1, RunState.open),
    ]
    assert runs[0].effects == tuple(Effect(place, step) for place, step in enumerate(STEPS))


async def test_only_one_receiver_works_on_an_attempt_until_its_time_is_over(store: Store) -> None:
    await begun(store, opening())
    mine = await store.runs.lease("me", NOW, LEASE)
    assert [(run.action, run.fence) for run in mine] == [("rollback", 1)]
    assert await store.runs.lease("you", NOW, LEASE) == []
    assert await store.runs.lease("me", NOW, LEASE) == mine
    await store.fence.hold(mine[0])
    await store.runs.renew(mine[0], timedelta(0))
    with pytest.raises(LeaseLost):
        await store.fence.hold(mine[0])
    assert [run.fence for run in await store.runs.lease("you", NOW, LEASE)] == [2]
    with pytest.raises(LeaseLost):
        await store.runs.record(mine[0], Progress(RunState.done, finished_at=NOW), NOW)
    with pytest.raises(LeaseLost):
        await store.runs.renew(mine[0], LEASE)


async def test_what_is_not_due_is_not_leased(store: Store) -> None:
    await begun(store, opening(due_at=LATER))
    assert await store.runs.lease("me", NOW, LEASE) == []
    assert len(await store.runs.lease("me", LATER, LEASE)) == 1


async def test_what_was_decided_before_the_clock_was_set_back_is_due(store: Store) -> None:
    await begun(store, opening())
    assert await store.runs.lease("me", NOW - SET_BACK, LEASE) == []
    assert len(await store.runs.lease("me", NOW - timedelta(hours=1), LEASE)) == 1


async def test_what_came_of_a_run_is_kept_and_its_attempt_let_go(store: Store) -> None:
    await begun(store, SetState(AttemptState.rolling_back), opening())
    (run,) = await store.runs.lease("me", NOW, LEASE)
    done = Effect(0, STEPS[0], EffectState.done, "unix:haproxy.sock: 0")
    await store.runs.record(run, Progress(RunState.open, effect=done), NOW)
    end = Progress(
        RunState.proved,
        "gone",
        acted_at=NOW,
        finished_at=LATER,
        attempt_state=AttemptState.rolled_back,
        hold="rest",
    )
    await store.runs.record(run, end, LATER)
    history = await store.attempts.history("shop", NOW)
    assert [(one.state, one.text, one.acted_at, one.finished_at) for one in history.runs] == [
        (RunState.proved, "gone", NOW, LATER)
    ]
    assert history.runs[0].effects == (done, Effect(1, STEPS[1]))
    assert history.attempt is not None
    assert (history.attempt.state, history.attempt.held) == (AttemptState.rolled_back, "rest")
    with pytest.raises(LeaseLost):
        await store.runs.record(run, Progress(RunState.open), LATER)


async def test_a_rollback_takes_an_attempt_from_whoever_enters_a_stage(store: Store) -> None:
    attempt = (await begun(store, opening("start"))).attempt
    (entering,) = await store.runs.lease("you", NOW, LEASE)
    await store.attempts.apply("shop", lambda _: decision(opening(supersedes=True), attempt=attempt), NOW)
    mine = await store.runs.lease("me", NOW, LEASE)
    assert [(run.action, run.state) for run in mine] == [("rollback", RunState.open)]
    with pytest.raises(LeaseLost):
        await store.runs.record(entering, Progress(RunState.done, finished_at=NOW), NOW)
    states = [(run.action, run.state) for run in (await store.attempts.history("shop", NOW)).runs]
    assert states == [("start", RunState.superseded), ("rollback", RunState.open)]


async def test_automatic_rollbacks_of_a_service_are_counted_over_a_day_and_people_s_are_not(
    store: Store,
) -> None:
    for by in ("alert", "alert", "alice"):
        made = decision(Begin("shop", "10%", {}, ""), opening(), by=by)
        await store.attempts.apply("shop", lambda _, made=made: made, NOW)  # type: ignore[misc]
    await begun(store)
    assert (await store.attempts.history("shop", NOW)).automatic_today == 2
    assert (await store.attempts.history("shop", NOW + timedelta(days=1, seconds=1))).automatic_today == 0


async def test_evidence_is_one_chain_for_each_rollout_and_shows_what_was_changed(store: Store) -> None:
    await begun(store, SetHold("slow"))
    await store.evidence.append("shop", "note", {"text": "ä"}, LATER)
    await store.evidence.append("another", "note", {}, NOW)
    records = await store.evidence.read("shop")
    assert [(record.number, record.kind) for record in records] == [(1, "decision"), (2, "note")]
    assert json.loads(records[1].body) == {"text": "ä"}
    assert first_broken(records) is None
    assert first_broken([records[0], replace(records[1], body="{}")]) == 2
    assert first_broken([replace(records[0], at=LATER), records[1]]) == 1
    assert first_broken(records[1:]) == 1


async def test_the_end_of_a_chain_is_read_alone_and_checked_from_its_first_record_on(store: Store) -> None:
    for number in range(1, 8):
        await store.evidence.append("shop", "step" if number == 6 else "note", {"number": number}, NOW)
    end = await store.evidence.newest("shop", 3)
    assert end == (await store.evidence.read("shop"))[-3:]
    notes = await store.evidence.newest("shop", 3, ("note", "outcome"))
    assert [record.number for record in notes] == [4, 5, 7]
    assert await store.evidence.newest("another", 3) == []
    assert [record.number for record in await store.evidence.read("shop", 2, 3)] == [3, 4, 5]
    assert await store.evidence.read("shop", 7, 3) == []
    before, *after = await store.evidence.read("shop", 1)
    assert first_broken(after, before) is None
    assert first_broken(after[1:], before) == 3
    assert first_broken_of(end) is None
    assert first_broken_of([]) is None
    assert first_broken_of([end[0], replace(end[1], body="{}"), end[2]]) == 6
    assert first_broken_of([end[0], end[2]]) == 6
    assert first_broken_of([replace((await store.evidence.read("shop"))[0], previous="f" * 64)]) == 1


async def test_evidence_cannot_be_changed_through_the_database(store: Store, url: str) -> None:
    await store.evidence.append("shop", "note", {}, NOW)
    for statement in ("UPDATE evidence SET body = 'x'", "DELETE FROM evidence"):
        with pytest.raises((sqlite3.DatabaseError, psycopg.Error), match="append-only"):
            by_hand(url, statement)
    assert len(await store.evidence.read("shop")) == 1


async def test_work_that_is_refused_changes_nothing_and_takes_nobody_with_it(store: Store) -> None:
    def refused(_history: History) -> Decision:
        raise ReceiverError("no")

    outcomes = await asyncio.gather(
        store.memory.remember("one", NOW),
        store.attempts.apply("shop", refused, NOW),
        store.memory.remember("two", LATER),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), ReceiverError, type(None)]
    assert [await store.memory.recall(name) for name in ("one", "two", "three")] == [NOW, LATER, None]


async def test_old_deliveries_go_those_that_said_nothing_new_first(store: Store) -> None:
    await delivered(store, 2)
    await store.inbox.settle(judged(decision(verdict=Verdict.repeat)), NOW, 1)
    await store.inbox.settle(judged(decision(verdict=Verdict.act)), NOW, 1)
    await delivered(store)
    assert await store.retention.drop(NOW, LATER) == 1
    assert await store.retention.drop(LATER, LATER) == 1
    assert await store.inbox.waiting() == 1


async def test_what_was_committed_is_there_for_the_next_process(store: Store, url: str) -> None:
    await begun(store, opening())
    await delivered(store)
    before = await store.attempts.history("shop", NOW)
    await store.engine.close()
    again = open_store(url, 5)
    again.engine.start()
    assert (await again.attempts.history("shop", NOW), await again.inbox.waiting()) == (before, 1)
    await again.engine.close()
    store.engine.start()  # the fixture closes it once more
