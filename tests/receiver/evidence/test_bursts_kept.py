"""A load burst in a bundle: its log and its summary, what is missing of it, and a change of either that is found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from guarded import load_burst
from handrail_receiver.evidence.bundle import Contents
from handrail_receiver.evidence.burst import BurstRecord, BurstRun, SentRequest, counted, seconds_of
from handrail_receiver.evidence.snapshot import digest_of, playbook_digest
from handrail_receiver.evidence.verification import verify
from hypothesis import given
from hypothesis import strategies as st

from .kept import NOW, book
from .made import (
    ATTEMPT,
    ENTERED,
    ROLLBACK,
    START,
    bundle,
    chained,
    changed,
    contents,
    ended,
    named,
    of_index,
    taken,
)
from .made import RUN as ROLLED_BACK

RUSH = load_burst(requests=3, failed=0.5)
SENT = (
    SentRequest(1, 1, NOW, 0.1, 200),
    SentRequest(1, 2, NOW + timedelta(seconds=1), 0.2, 503),
    SentRequest(1, 3, NOW + timedelta(seconds=2), 1.0, None, "timeout"),
)
RUN = BurstRun(RUSH, 7, "7/1/burst/10%/0/rush", False, NOW, NOW + timedelta(seconds=3), "done", "", SENT)


def with_burst(run: BurstRun = RUN, log: str | None = None) -> Contents:
    """The bundle's contents, and between start and rollback a burst."""
    playbook = book(bursts=(RUSH,))
    by = {"playbook": playbook_digest(playbook)}
    before, after = taken((40,), (0.01,) * 7).model_copy(update=by), taken((44,)).model_copy(update=by)
    said = run.record(digest_of(run.log()))
    records: list[tuple[str, Mapping[str, Any]]] = [
        ("decision", START),
        ("outcome", ENTERED),
        ("snapshot", named(before)),
        ("burst", said.model_dump(mode="json")),
        ("decision", ROLLBACK),
        ("snapshot", named(after)),
        ("outcome", ended(ROLLED_BACK)),
    ]
    return replace(
        contents(playbook=playbook),
        chain=chained(records, begun=ATTEMPT.started_at),
        snapshots={42: before.text(), 45: after.text()},
        bursts={43: run.log() if log is None else log},
    )


def test_its_log_and_its_summary_are_files_of_the_bundle() -> None:
    files = bundle(with_burst())
    log = files["bursts/43.log"].decode()
    assert log.splitlines() == [
        "3 requests by 1 users: GET https://shop.example/",
        "begun 2026-03-01 03:00:00 UTC",
        "03:00:00.000 ok     user 1 request 1: 200, 0.100 s",
        "03:00:01.000 failed user 1 request 2: 503, 0.200 s",
        "03:00:02.000 failed user 1 request 3: timeout, 1.000 s",
        "ended 2026-03-01 03:00:03 UTC, after 3 s",
        "load burst rush of stage 10%: done; 3 of 3 sent, 2 failed; p95 0.2 s of 2",
    ]
    said = BurstRecord.model_validate_json(files["bursts/43.json"])
    assert (said.sent, said.answered, said.well, said.failed, said.ok) == (3, 2, 1, 2, False)
    assert said.errors == {"503": 1, "timeout": 1}
    assert "load burst rush of stage 10%, done" in files["report.html"].decode()


def test_a_whole_one_lacks_nothing_and_verifies() -> None:
    assert of_index(with_burst()).missing == ()
    assert verify(bundle(with_burst())).problems == ()


def test_a_log_that_is_gone_and_an_end_that_is_none_are_missing() -> None:
    assert of_index(with_burst(log="")).missing == (
        "the log of the load burst in record 43: it is named by the evidence and is not there",
    )
    cut = replace(RUN, ended="interrupted", why="the receiver was stopped; it is not repeated")
    assert of_index(with_burst(cut)).missing == (
        "load burst rush of stage 10%: interrupted: the receiver was stopped; it is not repeated",
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (
            "bursts/43.log",
            "failed user 1 request 2: 503",
            "ok     user 1 request 2: 200",
            "bursts/43.log is not the log that record 43 names",
        ),
        ("bursts/43.json", '"failed": 2', '"failed": 0', "bursts/43.json is not what record 43 says"),
    ],
)
def test_a_change_is_found_whoever_vouches_for_the_files(file: str, old: str, new: str, problem: str) -> None:
    assert problem in verify(changed(bundle(with_burst()), file, old, new)).problems


def test_a_record_that_counts_otherwise_than_its_log_is_found() -> None:
    log = RUN.log()
    forged = RUN.record(digest_of(log)).model_copy(update={"failed": 0, "well": 3})
    given = with_burst()
    records = [
        (one.kind, forged.model_dump(mode="json") if one.kind == "burst" else json.loads(one.body))
        for one in given.chain.records
    ]
    found = verify(bundle(replace(given, chain=chained(records, begun=ATTEMPT.started_at)))).problems
    assert found == ("record 43 counts otherwise than bursts/43.log",)


@given(st.lists(st.floats(0.001, 60), min_size=1, max_size=200))
def test_percentiles_are_answers_that_were_measured_and_grow(took: list[float]) -> None:
    found = seconds_of(took)
    assert found is not None
    ranks = [found.p50, found.p90, found.p95, found.p99, found.max]
    assert ranks == sorted(ranks)
    assert {*ranks} <= {round(one, 4) for one in took}
    assert found.count == len(took)
    assert sum(one <= max(took) and round(one, 4) <= found.p95 for one in took) >= 0.95 * len(took)


def test_of_no_answer_there_are_no_percentiles() -> None:
    assert seconds_of([]) is None
    assert counted("") == (0, 0)
