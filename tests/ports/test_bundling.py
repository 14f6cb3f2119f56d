"""Attempts in either database → a bundle of each that verifies; and bundles of a store that was tampered with."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from guarded.kept import Still
from handrail_receiver.errors import Cause, Retryable
from handrail_receiver.evidence.bundling import Bundler, MadeBundle
from handrail_receiver.evidence.snapshot import SnapshotRecord, digest_of
from handrail_receiver.evidence.verification import verify
from handrail_receiver.store import Store
from handrail_receiver.store.engine import Tx
from ports.kept_week import BOOK, lived
from receiver.evidence.kept import Known
from receiver.evidence.made import signed_anew, taken
from receiver.reports.remembered import MONDAY

NOW = MONDAY + timedelta(days=7)
CHECK = taken((), (0.01,) * 7).model_copy(update={"attempt": 2, "playbook": "", "tiers": ()})
OTHER = CHECK.model_copy(update={"stage": "50%"})


async def bundle(store: Store, number: int, prometheus: Known | None = None) -> MadeBundle:
    made = await Bundler(store, prometheus or Known(), Still(NOW), version="1.2.3").bundle(BOOK, number)
    assert made is not None
    return made


def problems(made: MadeBundle) -> tuple[str, ...]:
    """What does not verify, apart from the steps, which these attempts do not carry out."""
    files = {name: text.encode() for name, text in made.files.items()}
    found = verify(files, version="1.2.3").problems
    return tuple(one for one in found if "these steps are not done" not in one)


async def snapshot_of(store: Store, attempt: int, at: datetime) -> int:
    """Keep the samples of all decisions of an attempt; the number of the record that names them."""
    records = await store.evidence.read("shop", 0, 100)
    said = [(one, json.loads(one.body)) for one in records]
    made = tuple(one.number for one, body in said if one.kind == "decision" and body["attempt"] == attempt)
    text = CHECK.model_copy(update={"attempt": attempt, "of": made}).text()
    named = SnapshotRecord(
        attempt=attempt, of=made, by=CHECK.by, text=CHECK.summary(), snapshot=digest_of(text)
    )
    await store.snapshots.keep("shop", "snapshot", named.snapshot, text, named.model_dump(mode="json"), at)
    [newest] = await store.evidence.newest("shop", 1)
    return newest.number


async def both_late(store: Store) -> tuple[int, int]:
    """The samples of both attempts come after the second is over, those of the first last; their records."""
    await lived(store)
    second = await snapshot_of(store, 2, MONDAY + timedelta(days=6))
    return await snapshot_of(store, 1, MONDAY + timedelta(days=6, hours=1)), second


async def changed(store: Store, url: str, table: str, trigger: str, setting: str, **values: object) -> None:
    """What somebody does who may write to the database."""
    free = f"DROP TRIGGER {trigger}{f' ON {table}' if url.startswith('postgresql') else ''}"

    def work(tx: Tx) -> None:
        tx.count(free)
        tx.count(f"UPDATE {table} SET {setting}", **values)  # noqa: S608  our own words

    await store.engine.write(work)


@pytest.mark.anyio
@pytest.mark.parametrize(("number", "state"), [(1, "rolled-back"), (2, "complete")])
async def test_the_bundle_of_each_attempt_verifies(store: Store, number: int, state: str) -> None:
    await lived(store)
    made = await bundle(store, number)
    assert (made.index.attempt.state, problems(made)) == (state, ())


@pytest.mark.anyio
async def test_where_prometheus_is_away_the_bundle_says_what_is_missing_and_verifies(store: Store) -> None:
    await lived(store)
    away = Retryable(Cause.unreachable, "http://prometheus: connection refused")
    made = await bundle(store, 1, Known({"handrail:guardrail:value": away}))
    assert made.index.missing[-1] == f"the values over the whole attempt: {away}"
    assert (made.index.complete, problems(made)) == (False, ())


@pytest.mark.anyio
@pytest.mark.parametrize("instead", ["nothing that can be read", OTHER.text()])
async def test_a_snapshot_that_was_exchanged_in_the_store_is_missing(
    store: Store, url: str, instead: str
) -> None:
    await lived(store)
    text, at = CHECK.text(), MONDAY + timedelta(days=6)
    said = SnapshotRecord(attempt=2, of=(), by=CHECK.by, text=CHECK.summary(), snapshot=digest_of(text))
    await store.snapshots.keep("shop", "check", said.snapshot, text, said.model_dump(mode="json"), at)
    kept = await bundle(store, 2)
    trigger = "snapshot_is_append_only" if url.startswith("postgresql") else "snapshot_is_not_changed"
    await changed(store, url, "snapshot", trigger, "body = :body", body=instead)
    made = await bundle(store, 2)
    number = made.index.head[0]
    assert set(made.index.missing) - set(kept.index.missing) == {
        f"snapshot {number}: it is named by the evidence and is not there",
        "the split of the traffic before and after: it was never seen",
    }
    assert (problems(kept), problems(made)) == ((), ())


@pytest.mark.anyio
async def test_a_record_that_was_changed_in_the_store_is_said_to_be_no_evidence(
    store: Store, url: str
) -> None:
    await lived(store)
    setting = """body = replace(body, '"by":"alice"', '"by":"carol"') WHERE number = 1"""
    await changed(store, url, "evidence", "evidence_is_not_changed", setting)
    made = await bundle(store, 1)
    assert made.index.missing[-1] == (
        "the evidence as it was written: record 1 in the store does not fit the one before"
    )
    assert problems(made)[0] == "record 1 does not fit the one before: it was changed, or one is missing"


@pytest.mark.anyio
async def test_what_is_recorded_of_an_attempt_after_the_next_one_began_is_in_its_own_bundle(
    store: Store,
) -> None:
    first, second = await both_late(store)
    for number, own in ((1, first), (2, second)):
        made = await bundle(store, number)
        kept = {name for name in made.files if name.startswith("snapshots/")}
        unseen = [one for one in made.index.missing if "no samples were kept" in one]
        assert (kept, unseen, problems(made)) == ({f"snapshots/{own}.json"}, [], ())
        assert (made.index.head[0], made.index.after) == (first, CHECK.split)


@pytest.mark.anyio
async def test_a_record_of_the_next_attempt_that_was_changed_or_left_out_breaks_the_chain_to_a_late_one(
    store: Store,
) -> None:
    _, second = await both_late(store)
    files = (await bundle(store, 1)).files
    chain = json.loads(files["evidence.json"])
    [place] = [place for place, one in enumerate(chain["records"]) if one["number"] == second]
    without = {**chain, "records": [*chain["records"][:place], *chain["records"][place + 1 :]]}
    otherwise = json.loads(json.dumps(chain))
    otherwise["records"][place]["body"] = otherwise["records"][place]["body"].replace("handrail", "carol")
    for tampered in (without, otherwise):
        made = signed_anew({**files, "evidence.json": json.dumps(tampered)})
        [problem] = (one for one in verify(made).problems if "steps are not done" not in one)
        assert problem == f"record {second} does not fit the one before: it was changed, or one is missing"


@pytest.mark.anyio
async def test_a_late_snapshot_that_was_changed_or_left_out_is_found(store: Store) -> None:
    first, _ = await both_late(store)
    files = (await bundle(store, 1)).files
    name = f"snapshots/{first}.json"
    exchanged = signed_anew({**files, name: OTHER.text()})
    found = verify(exchanged).problems
    assert f"{name} is not the snapshot that record {first} names" in found
    gone = signed_anew({one: text for one, text in files.items() if one != name})
    said = f"bundle.json does not say that it is missing: snapshot {first}: it is named by the evidence and is not there"
    assert said in verify(gone).problems
