"""A life that is kept in either database → the bundle of each attempt, which verifies; also of a store that was tampered with."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from handrail_receiver.errors import Cause, Retryable
from handrail_receiver.evidence.bundling import Bundler, MadeBundle
from handrail_receiver.evidence.snapshot import SnapshotRecord, digest_of
from handrail_receiver.evidence.verification import verify
from handrail_receiver.store import Store
from handrail_receiver.store.engine import Tx
from ports.kept_week import BOOK, lived
from receiver.evidence.kept import Known
from receiver.evidence.made import taken
from receiver.reports.remembered import MONDAY

NOW = MONDAY + timedelta(days=7)
CHECK = taken((), (0.01,) * 7).model_copy(update={"attempt": 2, "playbook": "", "tiers": ()})
OTHER = CHECK.model_copy(update={"stage": "50%"})


class Still:
    """A clock that stands."""

    def now(self) -> datetime:
        """A day after the week."""
        return NOW


async def bundle(store: Store, number: int, prometheus: Known | None = None) -> MadeBundle:
    made = await Bundler(store, prometheus or Known(), Still(), version="1.2.3").bundle(BOOK, number)
    assert made is not None
    return made


def problems(made: MadeBundle) -> tuple[str, ...]:
    """What does not follow; but the steps, which that life does not carry out."""
    files = {name: text.encode() for name, text in made.files.items()}
    found = verify(files, version="1.2.3").problems
    return tuple(one for one in found if "these steps are not done" not in one)


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
