"""A store of either kind that a receiver has open → what `handrail store` finds in it without changing anything."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from guarded import NOW, alert, body
from handrail.contract import Tell, Webhook
from handrail_receiver.errors import StoreDown, WrongSettings
from handrail_receiver.model import (
    Begin,
    Effect,
    EffectState,
    Progress,
    Received,
    RunState,
    TellResult,
    Verdict,
)
from handrail_receiver.store import Store
from handrail_receiver.store_commands.listing import Filter, evidence, notifications, runs
from handrail_receiver.store_commands.opening import opened
from handrail_receiver.store_commands.questions import Questions
from handrail_receiver.store_commands.status import HeldView, StatusView, status
from handrail_receiver.store_commands.verify import ChainView, VerifyView, problems, verify
from ports.store_cases import LATER, LEASE, STEPS, begun, by_hand, decision, delivered, judged, opening

pytestmark = pytest.mark.anyio
MIGRATIONS = [
    "0001_first.sql",
    "0002_gates.sql",
    "0003_tellings.sql",
    "0004_playbook.sql",
    "0005_origin.sql",
    "0006_evidence_end.sql",
    "0007_snapshots.sql",
    "0008_once.sql",
    "0009_incidents.sql",
    "0010_incident.sql",
    "0011_began.sql",
    "0012_whole.sql",
]


async def rolled_back(store: Store) -> None:
    """One attempt with a rollback that is done, recorded step by step."""
    attempt = (await begun(store)).attempt
    await store.attempts.apply("shop", lambda _: decision(opening(), attempt=attempt, by="alert"), NOW)
    (run,) = await store.runs.lease("me", NOW, LEASE)
    for place, step in enumerate(STEPS):
        done = Effect(place, step, EffectState.done, f"it is {step.kind}")
        await store.runs.record(run, Progress(RunState.open, effect=done), NOW)
    await store.runs.record(
        run, Progress(RunState.done, "all is done", acted_at=NOW, finished_at=LATER), LATER
    )


def only_what_lasts(view: StatusView) -> dict[str, Any]:
    """A status without its sizes."""
    return view.model_dump(exclude={"where", "size", "reusable", "room", "kind"})


async def test_a_store_in_use_says_what_it_holds(store: Store, url: str) -> None:
    await rolled_back(store)
    await delivered(store, 2)
    await store.inbox.settle(judged(), NOW, 1)
    await store.memory.remember("ready", LATER)
    with opened(url) as found:
        view = status(found, LATER)
    assert only_what_lasts(view) == {
        "migrations": MIGRATIONS,
        "seen": LATER,
        "held": [
            HeldView(what="notifications", number=2, open=1, oldest=NOW, newest=NOW).model_dump(),
            HeldView(what="attempts", number=1, open=1, oldest=NOW, newest=NOW).model_dump(),
            HeldView(what="runs", number=1, open=0, oldest=NOW, newest=NOW).model_dump(),
            HeldView(what="evidence records", number=6, oldest=NOW, newest=LATER).model_dump(),
            HeldView(what="messages to people", number=0).model_dump(),
        ],
        "problems": [],
    }
    assert view.size > 10_000
    assert (view.kind, view.where) in {
        ("SQLite", url.removeprefix("sqlite:")),
        ("PostgreSQL", url),
    }


async def test_what_is_stuck_is_a_problem(store: Store, url: str) -> None:
    await begun(store, opening())
    await delivered(store)
    await store.tellings.want("shop-1", "shop", [Tell(Webhook("https://hooks.example/x"))], NOW)
    (telling,) = await store.tellings.due(NOW, LATER)
    await store.tellings.told(telling, TellResult("", "it refuses us"), NOW)
    await store.memory.remember("ready", NOW)
    by_hand(url, "DELETE FROM migration WHERE name = '0002_gates.sql'")
    with opened(url) as found:
        said = status(found, NOW + timedelta(minutes=6)).problems
        a_day_later = status(found, NOW + timedelta(days=2)).problems
    assert said == [
        "it is of an older version than this program; the receiver's next start adds 0002_gates.sql",
        "no receiver has left a sign of life in it for 6 min; is one running?",
        "notifications wait since 6 min and nobody decides; look into the receiver's log",
        "rollback of shop is open since 6 min and nobody works on it; look at its target",
        "somebody was not told of shop: it refuses us",
    ]
    assert not any("told" in problem for problem in a_day_later)


async def test_notifications_are_the_newest_last_and_those_that_name_a_rollout(
    store: Store, url: str
) -> None:
    for minute in range(60):
        named = "shop" if minute % 2 else "other"
        content = body(alert(rollout=named), alert(rollout=named, status="resolved"))
        await store.inbox.put(Received(NOW + timedelta(minutes=minute), f"am-{minute}", content))
        await store.inbox.settle(judged(decision(verdict=Verdict.act)), NOW, 1)
    await store.inbox.put(Received(NOW + timedelta(hours=2), "am-1", b"not ours"))
    with opened(url) as found:
        all_of_them = notifications(found, Filter(limit=100))
        newest = notifications(found, Filter(limit=2))
        of_shop = notifications(found, Filter("shop", since=NOW + timedelta(minutes=55)))
    assert [one.number for one in all_of_them] == sorted(one.number for one in all_of_them)
    assert len(all_of_them) == 61
    assert [
        (one.source, one.firing, one.resolved, one.rollouts, one.result, one.reason) for one in newest
    ] == [
        ("am-59", 1, 1, ["shop"], "act", "asked-for: because"),
        ("am-1", 0, 0, [], "", ""),
    ]
    assert newest[1].body == "not ours"
    assert [one.source for one in of_shop] == ["am-55", "am-57", "am-59"]


async def test_runs_and_evidence_are_found_by_rollout_attempt_kind_and_time(store: Store, url: str) -> None:
    await rolled_back(store)
    again = decision(Begin("shop", "10%", {}, ""), opening("start"))
    await store.attempts.apply("shop", lambda _: again, LATER)
    await store.evidence.append("other", "note", {"text": "ä"}, LATER + timedelta(seconds=1))
    with opened(url) as found:
        first, second = runs(found, Filter())
        assert [(one.action, one.attempt) for one in runs(found, Filter("shop", 2))] == [("start", 2)]
        assert [one.attempt for one in runs(found, Filter("shop", since=LATER))] == [2]
        steps = evidence(found, Filter("shop", 1, "step"))
        end = evidence(found, Filter(limit=2))
        late = evidence(found, Filter(since=LATER))[-2:]
        with pytest.raises(WrongSettings, match="knows no rollout 'shp'; use one of: other, shop"):
            runs(found, Filter("shp"))
    assert (first.rollout, first.attempt, first.action, first.state, first.text) == (
        ("shop", 1, "rollback", "done", "all is done")
    )
    assert [step.what for step in first.steps] == [
        "HAProxy web/canary on unix:haproxy.sock: weight 0",
        "HAProxy web/stable on unix:haproxy.sock: weight 100",
    ]
    assert (second.attempt, second.action, second.state) == (2, "start", "open")
    assert [json.loads(one.body)["found"] for one in steps] == ["it is haproxy-weight"] * 2
    assert [(one.rollout, one.attempt, one.kind) for one in end] == [
        ("shop", 2, "decision"),
        ("other", None, "note"),
    ]
    assert late == end


async def test_what_is_cut_off_or_removed_is_missed_as_far_as_the_store_can_know(
    store: Store, url: str
) -> None:
    await rolled_back(store)
    await store.evidence.append("other", "decision", {"text": "x"}, NOW)

    def found(*statements: str) -> list[str]:
        for statement in statements:
            by_hand(url, statement)
        with opened(url) as opened_store:
            return problems(verify(opened_store))

    removed = "it was removed by hand; compare with a copy made before"
    gone = "was altered or lost after it was written; keep this file, and compare with a copy made before"
    assert found() == []
    assert found("DELETE FROM run", "DELETE FROM attempt") == [
        f"the evidence of shop speaks of an attempt that is not there any more: {removed}"
    ]
    free = "DROP TRIGGER evidence_is_not_removed"
    if "postgresql" in url:
        free = "DROP TRIGGER evidence_is_not_changed ON evidence"
    assert found(free, "DELETE FROM evidence WHERE rollout = 'shop' AND number > 2") == [
        f"evidence of shop: record 3 does not fit the one before: it {gone}",
    ]
    assert found("DELETE FROM evidence WHERE rollout = 'other'") == [
        f"evidence of other: record 1 does not fit the one before: it {gone}",
        f"evidence of shop: record 3 does not fit the one before: it {gone}",
    ]


async def test_an_attempt_that_no_evidence_speaks_of_is_missed(store: Store, url: str) -> None:
    await rolled_back(store)
    by_hand(
        url,
        "INSERT INTO attempt (rollout, service, number, state, stage, stage_entered_at, started_at, started_by)"
        " SELECT rollout, service, 3, state, stage, stage_entered_at, started_at, started_by FROM attempt",
    )
    with opened(url) as found:
        said = verify(found).missed
    assert said == [
        "the evidence of shop says nothing of its attempt 3",
        "attempt 2 of shop is not there any more",
    ]


async def test_a_snapshot_that_was_changed_or_removed_is_missed(store: Store, url: str) -> None:
    digests = [hashlib.sha256(text).hexdigest() for text in (b"kept", b"changed", b"removed")]
    await store.snapshots.keep("shop", "snapshot", digests[0], "kept", {"snapshot": digests[0]}, NOW)
    by_hand(url, f"INSERT INTO snapshot (digest, body) VALUES ('{digests[1]}', 'other')")  # noqa: S608
    for digest in digests[1:]:
        await store.evidence.append("shop", "check", {"snapshot": digest}, NOW)
    with opened(url) as found:
        said = verify(found).missed
    assert said == [
        "the snapshot of record 2 of shop is not there any more, and something else is in its place",
        "the snapshot of record 3 of shop is not there any more",
    ]


async def test_a_chain_is_whole_or_its_first_broken_record_is_named(store: Store, url: str) -> None:
    # What waits together is committed together: a hundredth of the commits.
    records = ({"number": number} for number in range(2100))
    await asyncio.gather(*(store.evidence.append("shop", "note", record, NOW) for record in records))
    await store.evidence.append("other", "note", {}, NOW)
    with opened(url) as found:
        whole = verify(found)
    assert [(chain.rollout, chain.records, chain.first_broken) for chain in whole.chains] == [
        ("other", 1, None),
        ("shop", 2100, None),
    ]
    assert whole.chains[1].newest_hash == (await store.evidence.newest("shop", 1))[0].hash
    assert problems(whole) == []
    trigger = "DROP TRIGGER evidence_is_not_changed"
    by_hand(url, trigger if url.startswith("sqlite:") else f"{trigger} ON evidence")
    by_hand(url, "UPDATE evidence SET body = '{\"number\":1}' WHERE rollout = 'shop' AND number = 1701")
    with opened(url) as found:
        broken = verify(found)
    assert broken == VerifyView(
        chains=[
            whole.chains[0],
            ChainView(rollout="shop", records=2100, newest_at=None, newest_hash="", first_broken=1701),
        ],
        damage=[],
    )
    assert problems(broken) == [
        (
            "evidence of shop: record 1701 does not fit the one before: it was altered or lost after it was"
            " written; keep this file, and compare with a copy made before"
        )
    ]


async def test_looking_writes_nothing_and_waits_for_no_writer(store: Store, url: str) -> None:
    await delivered(store)
    with opened(url) as found:
        for statement in ("DELETE FROM inbox", "CREATE TABLE mine (x INTEGER)"):
            with pytest.raises((sqlite3.Error, psycopg.Error), match=r"read-?only"):
                found.rows(statement)
    if url.startswith("sqlite:"):
        writing: Any = sqlite3.connect(url.removeprefix("sqlite:"), isolation_level=None)
        writing.execute("BEGIN IMMEDIATE")
    else:
        writing = psycopg.connect(url)
        writing.execute(b"LOCK TABLE inbox IN SHARE ROW EXCLUSIVE MODE")
    writing.execute("DELETE FROM inbox")
    with opened(url) as found:
        assert len(notifications(found, Filter())) == 1
    writing.close()


async def test_a_store_of_a_newer_version_is_left_alone(store: Store, url: str) -> None:
    by_hand(url, "INSERT INTO migration (name) VALUES ('9999_later.sql')")
    with pytest.raises(WrongSettings, match=r"newer version than this program \(9999_later.sql\); use the"):
        Questions(url).status()


async def test_a_database_that_is_no_store_of_ours_is_said(store: Store, url: str) -> None:
    by_hand(url, "DROP TABLE migration")
    with pytest.raises(
        WrongSettings, match="is not a store of Handrail's; name the one that the receiver uses"
    ):
        Questions(url).verify()


async def test_what_goes_wrong_while_reading_is_one_line_without_a_password(store: Store, url: str) -> None:
    by_hand(url, "ALTER TABLE inbox RENAME TO elsewhere")
    with pytest.raises(StoreDown, match=r"cannot be read: .*inbox") as refused:
        Questions(url).notifications("", None, 1)
    assert "\n" not in str(refused.value)
    by_hand(url, "ALTER TABLE elsewhere RENAME TO inbox")


def test_a_postgresql_that_is_not_there_is_said_without_its_password() -> None:
    with pytest.raises(StoreDown, match=r"^postgresql://me@127.0.0.1:9/x cannot be read: ") as refused:
        Questions("postgresql://me:planted@127.0.0.1:9/x").status()
    assert "planted" not in str(refused.value)


def test_postgresql_is_copied_by_its_own_program(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match="pg_dump --format=custom"):
        Questions("postgresql://me@127.0.0.1:9/x").backup(tmp_path / "copy")
