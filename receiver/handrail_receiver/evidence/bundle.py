"""The evidence of one attempt → the files of a bundle, and what is missing from it; pure.

`handrail verify` reads the same files, and gets the same list of what is missing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from handrail.contract import DashboardFacts, Playbook
from pydantic import BaseModel, ConfigDict

from handrail_receiver.evidence.burst import BURST, BurstRecord
from handrail_receiver.evidence.declared import not_made
from handrail_receiver.evidence.snapshot import (
    CHECKED,
    DECIDED,
    ArmShare,
    KeptSeries,
    Snapshot,
    SnapshotRecord,
    playbook_digest,
)
from handrail_receiver.model import OPEN, Captured, EvidenceRecord
from handrail_receiver.view_models.schemas import RecordView, RunView

INDEX, EVIDENCE, PLAYBOOK, RUNS, SERIES, CAPTURED, REPORT, SUMMARY = (
    "bundle.json",
    "evidence.json",
    "playbook.json",
    "runs.json",
    "series.json",
    "captured.json",
    "report.html",
    "summary.md",
)
SNAPSHOTS, BURSTS = "snapshots", "bursts"


class _BundleModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ChainPart(_BundleModel):
    """A part of a rollout's chain, without a gap: `previous` is the hash of the record before its first."""

    rollout: str
    records: tuple[RecordView, ...]

    def chain(self) -> list[EvidenceRecord]:
        """The records as the store has them."""
        return [
            EvidenceRecord(one.number, one.at, self.rollout, one.kind, one.body, one.previous, one.hash)
            for one in self.records
        ]

    def of(self, attempt: int) -> tuple[RecordView, ...]:
        """The records about an attempt, and those about none, until the next attempt began.

        A late record of an attempt is among the records of the next one, which are there only to keep the chain
        complete.
        """
        about = [(one, said_by(one).get("attempt") or 0) for one in self.records]
        later = next((one.number for one, other in about if other > attempt), None)
        return tuple(
            one for one, of in about if of == attempt or (not of and (later is None or one.number < later))
        )


class RunsFile(_BundleModel):
    """What was carried out, step by step."""

    runs: tuple[RunView, ...]


class SeriesFile(_BundleModel):
    """The recorded values over the whole attempt, `step` seconds apart, as Prometheus had them when the bundle was
    made.

    They include earlier values that limits of the playbook are relative to.
    """

    step: float
    series: tuple[KeptSeries, ...]


class CapturedFigure(_BundleModel):
    """A figure that was captured for the attempt: of which guardrail and reference, and of which label values alone."""

    guardrail: str
    reference: str
    value: float
    labels: Mapping[str, str] = {}


class CapturedFile(_BundleModel):
    """What limits of the attempt were relative to."""

    captured: tuple[CapturedFigure, ...] = ()

    def figures(self) -> tuple[Captured, ...]:
        """The figures as the store has them."""
        return tuple(
            Captured(one.guardrail, one.reference, one.value, tuple(one.labels.items()))
            for one in self.captured
        )


class AttemptFacts(_BundleModel):
    """Which attempt: its number, its id in the records, and its state when the bundle was made.

    `playbook` is the SHA-256 of its playbook as it was stored, perhaps by an older version with fewer fields.
    """

    rollout: str
    service: str
    number: int
    id: int
    state: str
    stage: str
    started_at: datetime
    started_by: str
    artifact: str
    live: bool
    playbook: str = ""

    def went_by(self, playbook: Playbook, taken: Snapshot) -> bool:
        """Whether a snapshot was taken with the playbook of the attempt."""
        return taken.playbook in {"", self.playbook, playbook_digest(playbook)}


class BundleIndex(_BundleModel):
    """What a bundle is about, where to look on, and whether it is complete.

    `dashboards` show the time of the attempt. `before` and `after` are the split of the traffic in its first snapshot and
    in its last. `head` is the number and the hash of the newest record in it. `ended_at` is how far its plots go, and
    `made_with` which version of Handrail made it; both are missing in older ones.
    """

    version: Literal[1] = 1
    attempt: AttemptFacts
    made_at: datetime
    ended_at: datetime | None = None
    made_with: str = ""
    dashboards: tuple[str, ...]
    runbook: str
    before: tuple[ArmShare, ...]
    after: tuple[ArmShare, ...]
    head: tuple[int, str]
    complete: bool
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Contents:
    """All that a bundle is made of. `snapshots` and `bursts`, the logs of load bursts, are the kept texts by the number of
    their record, "" where one is gone.
    """

    attempt: AttemptFacts
    playbook: Playbook
    chain: ChainPart
    runs: RunsFile
    snapshots: Mapping[int, str]
    series: SeriesFile
    made_at: datetime
    ended_at: datetime
    captured: CapturedFile = field(default_factory=CapturedFile)
    bursts: Mapping[int, str] = field(default_factory=dict)

    def taken(self) -> dict[int, Snapshot]:
        """The snapshots that are there, by the number of their record."""
        return {number: Snapshot.model_validate_json(text) for number, text in self.snapshots.items() if text}

    @cached_property
    def own(self) -> ChainPart:
        """The records about the attempt; those about none as well."""
        return ChainPart(rollout=self.chain.rollout, records=self.chain.of(self.attempt.id))


def index_of(contents: Contents, more: Sequence[str] = (), made_with: str = "") -> BundleIndex:
    """The index; `more` is what else could not be obtained while it was made, `made_with` the version that makes it."""
    taken = list(contents.taken().values())
    missing = (
        *missing_of(
            contents.attempt,
            contents.playbook,
            contents.own.records,
            contents.runs.runs,
            contents.taken(),
            {number for number, text in contents.bursts.items() if text},
        ),
        *more,
    )
    last = contents.chain.records[-1] if contents.chain.records else None
    return BundleIndex(
        attempt=contents.attempt,
        made_at=contents.made_at,
        ended_at=contents.ended_at,
        made_with=made_with,
        dashboards=tuple(one.url for one in dashboards_of(contents)),
        runbook=contents.playbook.runbook_url,
        before=taken[0].split if taken else (),
        after=taken[-1].split if taken else (),
        head=(last.number, last.hash) if last else (0, ""),
        complete=not missing,
        missing=missing,
    )


def dashboards_of(contents: Contents) -> tuple[DashboardFacts, ...]:
    """Each dashboard of the rollout, at the time of the attempt."""
    book = contents.playbook
    only = (DashboardFacts(title="Dashboard", url=book.dashboard_url),) if book.dashboard_url else ()
    start, end = contents.attempt.started_at.timestamp(), contents.ended_at.timestamp()
    time = f"from={int(start * 1000)}&to={int(end * 1000)}"
    return tuple(
        one.model_copy(update={"url": f"{one.url}{'&' if '?' in one.url else '?'}{time}"})
        for one in book.dashboards or only
    )


def missing_of(
    attempt: AttemptFacts,
    playbook: Playbook,
    records: Sequence[RecordView],
    runs: Sequence[RunView],
    taken: Mapping[int, Snapshot],
    logs: Collection[int],
) -> tuple[str, ...]:
    """What an auditor would ask for and not find, a line each. `logs` are the records whose load burst has its log."""
    return (
        *_missing(attempt, playbook, records, runs, taken),
        *_split_unseen(playbook, runs, taken),
        *(
            f"snapshot {number}: the playbook that it was taken with, which is not the attempt's any more"
            for number, one in taken.items()
            if not attempt.went_by(playbook, one)
        ),
        *not_made(playbook, records, attempt.id),
        *(
            f"the log of the load burst in record {record.number}: it is named by the evidence and is not there"
            for record in records
            if record.kind == BURST and record.number not in logs
        ),
    )


def _missing(
    attempt: AttemptFacts,
    playbook: Playbook,
    records: Sequence[RecordView],
    runs: Sequence[RunView],
    taken: Mapping[int, Snapshot],
) -> Iterator[str]:
    if attempt.live:
        yield f"attempt {attempt.number} still goes on ({attempt.state}): what comes later is not in it"
    if not attempt.artifact and playbook.stages:  # without stages nothing goes out
        yield "the artifact: none was given at the start (`--artifact`), and no versions"
    yield from (
        f"{run.action} {run.key}".rstrip() + f" had not ended: it was {run.state}"
        for run in runs
        if run.state in OPEN
    )
    seen = {number for one in taken.values() for number in one.of}
    for record, body in decisions(records, attempt.id):
        if record.number not in seen:
            yield f"decision {record.number} ({body['reason']}): no samples were kept of it"
    for record in records:
        if record.kind not in {DECIDED, CHECKED}:
            continue
        if record.number not in taken:
            yield f"snapshot {record.number}: it is named by the evidence and is not there"
        else:
            yield from (f"snapshot {record.number}: {what}" for what in taken[record.number].missing)


def _split_unseen(
    playbook: Playbook, runs: Sequence[RunView], taken: Mapping[int, Snapshot]
) -> Iterator[str]:
    """Both arms count their requests; without arms it is what each target was read to hold that says the split."""
    read_back = any(step.found for run in runs for step in run.steps)
    if not any(one.split for one in taken.values()) and not (playbook.arms is None and read_back):
        yield "the split of the traffic before and after: it was never seen"


def decisions(records: Sequence[RecordView], attempt: int) -> Iterator[tuple[RecordView, dict[str, object]]]:
    """The decisions of an attempt, with what they say."""
    for record in records:
        body = said_by(record) if record.kind == "decision" else {}
        if body and body.get("attempt") == attempt:
            yield record, body


def said_by(record: RecordView) -> dict[str, Any]:
    """What a record says. Raises ValueError."""
    body = json.loads(record.body)
    if not isinstance(body, dict):
        raise ValueError(f"record {record.number} of {EVIDENCE} says nothing that can be read")  # noqa: TRY004
    return body


def named_by(record: RecordView) -> SnapshotRecord | None:
    """What a record says of a snapshot; None for records of other kinds."""
    return SnapshotRecord.model_validate_json(record.body) if record.kind in {DECIDED, CHECKED} else None


def predicate_of(index: BundleIndex) -> dict[str, object]:
    """What the statement about a bundle says that it is evidence of."""
    return {
        "rollout": index.attempt.rollout,
        "attempt": index.attempt.number,
        "artifact": index.attempt.artifact,
        "head": {"record": index.head[0], "hash": index.head[1]},
        "complete": index.complete,
    }


def files_of(contents: Contents, index: BundleIndex, report: str, summary: str) -> dict[str, str]:
    """Every file of the bundle but what signs it."""
    return {
        INDEX: _json(index),
        EVIDENCE: _json(contents.chain),
        PLAYBOOK: _json(contents.playbook),
        RUNS: _json(contents.runs),
        SERIES: contents.series.model_dump_json() + "\n",
        CAPTURED: _json(contents.captured),
        REPORT: report,
        SUMMARY: summary,
        **{f"{SNAPSHOTS}/{number}.json": text for number, text in contents.snapshots.items() if text},
        **{f"{BURSTS}/{number}.log": text for number, text in contents.bursts.items() if text},
        **{
            f"{BURSTS}/{record.number}.json": _json(BurstRecord.model_validate_json(record.body))
            for record in contents.own.records
            if record.kind == BURST
        },
    }


def _json(model: BaseModel) -> str:
    return model.model_dump_json(indent=2) + "\n"
