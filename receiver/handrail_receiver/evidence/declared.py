"""A playbook and the records of an attempt → which declared checks, questions and load bursts were made, and which
are missing.

Pure. A check is owed if its time came while the attempt went forward in its stage. Where the attempt turned back, nobody
asks for what the end cut off: a load burst that was stopped, or that something spoke against until then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handrail.contract import BurstFacts, CheckFacts, Playbook, names

from handrail_receiver.evidence.burst import BURST, BURST_BEGINS, BURST_WAITS, BurstRecord
from handrail_receiver.evidence.snapshot import CHECKED, SnapshotRecord
from handrail_receiver.model import ENTERING, LATE
from handrail_receiver.view_models.schemas import RecordView

GRACE = timedelta(seconds=30)
"""So long something may take to be made."""


@dataclass(frozen=True)
class StageVisit:
    """A stage, from when it was entered until it was left or the attempt no longer went forward.

    `turned_back`: the attempt was rolled back or abandoned in it.
    """

    stage: str
    start: datetime
    end: datetime
    turned_back: bool = False


@dataclass(frozen=True)
class DeclaredLine:
    """A declared check or load burst of a visit: the record that was made of it (None: none), and what that says."""

    stage: str
    label: str
    kind: str
    due_at: datetime
    record: int | None
    ok: bool | None
    late: bool
    text: str


def visits(records: Sequence[RecordView], attempt: int) -> list[StageVisit]:
    """The stages of an attempt in their order; the last one lasts until the newest record where nothing has ended it."""
    finished: list[StageVisit] = []
    entered: tuple[str, datetime] | None = None
    for record, body in _of(records, attempt):
        if entered and (_enters(record, body) or _ends(record, body)):
            finished.append(StageVisit(*entered, record.at, _turns_back(record, body)))
            entered = None
        if _enters(record, body):
            entered = str(body["key"]), record.at
    return [*finished, StageVisit(*entered, records[-1].at)] if entered else finished


def declared_lines(playbook: Playbook, records: Sequence[RecordView], attempt: int) -> Iterator[DeclaredLine]:
    """All that was owed, in the order of its moments."""
    made, begun, waited = (
        list(_made(records, attempt)),
        list(_said_of_bursts(records, attempt, BURST_BEGINS)),
        list(_said_of_bursts(records, attempt, BURST_WAITS)),
    )
    for visit in visits(records, attempt):
        bursts = (one for one in playbook.bursts if one.stage == visit.stage)
        several: list[CheckFacts | BurstFacts] = [*playbook.checks_of(visit.stage), *bursts]
        for one in sorted(several, key=lambda one: one.at):
            due_at = visit.start + timedelta(seconds=one.at)
            line = next((known for known in made if _is(known, one, visit)), None)
            if line is not None:
                yield DeclaredLine(
                    visit.stage, one.label, line.kind, due_at, line.record, line.ok, line.late, line.text
                )
            elif any(_is(known, one, visit) for known in begun):
                text = "it began, and nothing says how it ended"
                yield DeclaredLine(visit.stage, one.label, BURST, due_at, None, None, late=False, text=text)
            elif visit.turned_back and any(_is(known, one, visit) for known in waited):
                continue
            elif _owed(one, due_at, visit, records[-1].at):
                kind = BURST if isinstance(one, BurstFacts) else CHECKED
                text = "it was never made"
                yield DeclaredLine(visit.stage, one.label, kind, due_at, None, None, late=False, text=text)


def not_made(playbook: Playbook, records: Sequence[RecordView], attempt: int) -> Iterator[str]:
    """What was owed and is missing: checks, load bursts that were not made whole, and answers of people."""
    for line in declared_lines(playbook, records, attempt):
        what = f"{'load burst' if line.kind == BURST else 'check'} {line.label} of stage {line.stage}"
        if line.record is None:
            yield f"{what}: {line.text}"
    turned_back = [visit for visit in visits(records, attempt) if visit.turned_back]
    for record in records:
        if record.kind == BURST:
            said = BurstRecord.model_validate_json(record.body)
            cut_off = said.ended == "stopped" and any(_begun_in(said, visit) for visit in turned_back)
            if said.ended != "done" and not cut_off:
                yield f"load burst {said.burst} of stage {said.stage}: {said.ended}: {said.why}"
    answered = {
        str(body["check"]["question"])
        for record, body in _of(records, attempt)
        if record.kind == "decision" and isinstance(body.get("check"), dict)
    }
    for visit in visits(records, attempt):
        for check in playbook.checks_of(visit.stage):
            for question in check.questions:
                text = f"{check.label}: {question}"
                time = timedelta(seconds=check.at) + (LATE if visit.turned_back else timedelta())
                if visit.start + time <= visit.end and text not in answered:
                    yield f"question {text!r} of stage {visit.stage}: nobody answered it"


def _owed(one: CheckFacts | BurstFacts, due_at: datetime, visit: StageVisit, now: datetime) -> bool:
    """Whether there was time for it: a check is made later when its stage was left meanwhile, a burst is not."""
    if isinstance(one, BurstFacts):
        return due_at + GRACE <= visit.end
    return due_at <= visit.end and due_at + GRACE <= now


def _begun_in(burst: BurstRecord, visit: StageVisit) -> bool:
    return burst.stage == visit.stage and visit.start <= burst.begun_at


@dataclass(frozen=True)
class _MadeCheck:
    stage: str
    label: str
    kind: str
    at: datetime
    record: int
    ok: bool | None
    late: bool
    text: str


def _made(records: Sequence[RecordView], attempt: int) -> Iterator[_MadeCheck]:
    for record, body in _of(records, attempt):
        if record.kind == CHECKED and body.get("scheduled"):
            said = SnapshotRecord.model_validate(body)
            label = said.check or _label_of_before(said.scheduled)
            yield _MadeCheck(
                said.stage, label, CHECKED, record.at, record.number, said.ok, said.late, said.text
            )
        if record.kind == BURST:
            burst = BurstRecord.model_validate(body)
            yield _MadeCheck(
                burst.stage, burst.burst, BURST, record.at, record.number, burst.ok, burst.late, burst.text
            )


def _said_of_bursts(records: Sequence[RecordView], attempt: int, reason: str) -> Iterator[_MadeCheck]:
    """The decisions that a load burst begins, or does not begin yet."""
    for record, body in _of(records, attempt):
        named = body.get("burst")
        if record.kind == "decision" and body.get("reason") == reason and isinstance(named, dict):
            stage, label = str(named["stage"]), str(named["label"])
            yield _MadeCheck(stage, label, BURST, record.at, record.number, None, False, "")


def _label_of_before(key: str) -> str:
    """What a check is called of which an older record has the key alone: `7/1772335800/900`."""
    return CheckFacts(at=float(key.rsplit("/", 1)[1])).label


def _is(known: _MadeCheck, one: CheckFacts | BurstFacts, visit: StageVisit) -> bool:
    kind = BURST if isinstance(one, BurstFacts) else CHECKED
    same = (known.kind, known.label) == (kind, one.label) and known.stage in {"", visit.stage}
    return same and visit.start <= known.at


def _of(records: Sequence[RecordView], attempt: int) -> Iterator[tuple[RecordView, Mapping[str, Any]]]:
    for record in records:
        body = json.loads(record.body)
        if body.get("attempt") == attempt:
            yield record, body


def _enters(record: RecordView, body: Mapping[str, Any]) -> bool:
    return record.kind == "outcome" and body["action"] in ENTERING and body["outcome"] == "done"


def _ends(record: RecordView, body: Mapping[str, Any]) -> bool:
    if record.kind != "decision" or body["verdict"] != "act":
        return False
    gate = body.get("gate")
    passed = body["action"] == "promote" and isinstance(gate, dict) and gate["into"] == names.COMPLETE
    return passed or _turns_back(record, body)


def _turns_back(record: RecordView, body: Mapping[str, Any]) -> bool:
    decided = record.kind == "decision" and body["verdict"] == "act"
    return decided and body["action"] in {*names.ACTING, "abandon"}
