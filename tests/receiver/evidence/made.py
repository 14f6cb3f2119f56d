"""A rollback of `shop` by an alert, and the bundle of its evidence, without a receiver."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from handrail.contract import Criterion, Gate, Playbook
from handrail_receiver.evidence.bundle import (
    INDEX,
    AttemptFacts,
    BundleIndex,
    CapturedFigure,
    CapturedFile,
    ChainPart,
    Contents,
    RunsFile,
    SeriesFile,
    files_of,
    index_of,
    predicate_of,
)
from handrail_receiver.evidence.bundle_summary import summary
from handrail_receiver.evidence.report import report
from handrail_receiver.evidence.signing import ENVELOPE, STATEMENT, sealed
from handrail_receiver.evidence.snapshot import (
    CriterionSeen,
    KeptSeries,
    Snapshot,
    SnapshotRecord,
    digest_of,
    playbook_digest,
)
from handrail_receiver.evidence.snapshot_queries import SnapshotSubject, snapshot
from handrail_receiver.store.chain import GENESIS, digest
from handrail_receiver.store.rows import canonical
from handrail_receiver.view_models.schemas import RecordView, RunView, StepView

from .kept import CANARY, NOW, OURS, Known, book, events, series, value

CRITERION = Criterion(guardrail="error-rate", text="below 0.5 %", expr="broken", seen="judged", over=1500)
GATED = book(gates=(Gate(into="10%", criteria=(CRITERION,)),))
ATTEMPT = AttemptFacts(
    rollout="shop",
    service="shop",
    number=3,
    id=7,
    state="rolled-back",
    stage="10%",
    started_at=NOW - timedelta(minutes=4),
    started_by="alice",
    artifact="sha256:cafe",
    live=False,
)
START = {
    "verdict": "act",
    "reason": "asked-for",
    "text": "a new attempt, in stage 10%",
    "action": "start",
    "guardrail": "",
    "tier": "",
    "by": "alice",
    "attempt": 7,
    "artifact": "sha256:cafe",
}
ROLLBACK = {
    "verdict": "act",
    "reason": "limit-broken",
    "text": "error-rate/critical fires: rollback",
    "action": "rollback",
    "guardrail": "error-rate",
    "tier": "critical",
    "by": "alert",
    "attempt": 7,
}
ENTERED = {
    "action": "start",
    "key": "10%",
    "round": 0,
    "attempt": 7,
    "outcome": "done",
    "text": "every step is done",
}
STEP = StepView(
    kind="haproxy-weight",
    what="HAProxy web/canary: weight 0",
    state="done",
    found="weight 10 → 0",
    cause=None,
)
RUN = RunView(
    action="rollback",
    key="",
    round=0,
    state="done",
    asked_by="alert",
    reason="error-rate/critical fires: rollback",
    text="all done",
    detected_at=NOW,
    decided_at=NOW,
    acted_at=NOW,
    proved_at=None,
    finished_at=NOW,
    steps=[STEP],
)
BEGUN = RunView(
    action="start",
    key="10%",
    round=0,
    state="done",
    asked_by="alice",
    reason="a new attempt, in stage 10%",
    text="every step is done",
    detected_at=NOW - timedelta(minutes=4),
    decided_at=NOW - timedelta(minutes=4),
    acted_at=NOW - timedelta(minutes=3),
    proved_at=None,
    finished_at=NOW - timedelta(minutes=3),
    steps=[],
)
SPLIT = (series({"track": "canary"}, [1]), series({"track": "stable"}, [9]))
BAD = (0.01, 0.01, 0.08, 0.09, 0.09, 0.09, 0.08)
MANY = (100.0,) * len(BAD)


def taken(of: Sequence[int], values: Sequence[float] = BAD, at: datetime = NOW) -> Snapshot:
    """A snapshot while the canary's share of failed requests was that."""
    measured = value(*values)
    broken = [point for point in measured.points if float(point[1]) > 0.05]
    breaches = [
        measured.model_copy(update={"points": tuple(broken), "labels": {**CANARY, "tier": "critical"}})
    ]
    alerts = (series({**OURS, "tier": "critical", "alertstate": "firing"}, [1, 1], "ALERTS"),)
    answers = {
        "label_replace": (*(breaches if broken else ()), measured, events(*MANY[: len(values)])),
        "ALERTS": alerts if broken and values[-1] > 0.05 else (),
        "sum by (track)": SPLIT,
    }
    moment = SnapshotSubject(7, "10%", at, NOW, by="handrail", of=tuple(of), artifact="sha256:cafe")
    return asyncio.run(snapshot(Known(answers), book(), moment))


def at_gate(one: Snapshot, verdict: str, breaches: Sequence[float] = ()) -> Snapshot:
    """The same, of a decision at the gate into 10 %, whose criterion was met or not."""
    seen = CriterionSeen(
        into="10%",
        guardrail=CRITERION.guardrail,
        text=CRITERION.text,
        query=CRITERION.expr,
        seen=CRITERION.seen,
        verdict=verdict,  # type: ignore[arg-type]
        over=1500,
        step=15,
        broken=("2",) if verdict == "broken" else (),
        judged=() if verdict == "unknown" else ("0.95",),
        breaches=(value(*breaches),) if breaches else (),
    )
    return one.model_copy(update={"criteria": (seen,)})


def chained(
    bodies: Sequence[tuple[str, Mapping[str, Any]]],
    first: int = 40,
    begun: datetime | None = None,
    apart: timedelta = timedelta(minutes=1),
) -> ChainPart:
    """Records in a chain, so long apart from when it has begun on; else the last of them is NOW."""
    begun = begun or NOW - (len(bodies) - 1) * apart
    previous, records = GENESIS, []
    for place, (kind, body) in enumerate(bodies):
        at = begun + place * apart
        number, text = first + place, canonical(body)
        hashed = digest("shop", number, at, kind, text, previous)
        records.append(RecordView(number=number, at=at, kind=kind, body=text, previous=previous, hash=hashed))
        previous = hashed
    return ChainPart(rollout="shop", records=tuple(records))


def named(one: Snapshot) -> dict[str, Any]:
    """What the chain says of a snapshot."""
    record = SnapshotRecord(
        attempt=7, of=one.of, by=one.by, text=one.summary(), snapshot=digest_of(one.text())
    )
    return record.model_dump(mode="json")


def ended(run: RunView) -> dict[str, Any]:
    """What the chain says of a run that has ended."""
    of = {"action": run.action, "key": run.key, "round": run.round, "attempt": 7}
    instants = {name: getattr(run, f"{name}_at") for name in ("detected", "decided", "acted", "proved")}
    said = {name: at.isoformat() if at else None for name, at in instants.items()}
    return {**of, "outcome": run.state, "text": run.text, **said}


def contents(
    rollback: Mapping[str, Any] = ROLLBACK,
    last: Snapshot | None = None,
    attempt: AttemptFacts = ATTEMPT,
    playbook: Playbook | None = None,
    start: Mapping[str, Any] = START,
    runs: Sequence[RunView] = (RUN,),
    first: Snapshot | None = None,
    captured: Sequence[CapturedFigure] = (),
    recorded: Sequence[KeptSeries] = (value(*BAD),),
) -> Contents:
    """Started by alice, rolled back by an alert, each with its snapshot."""
    digest_now = {"playbook": playbook_digest(playbook or book())}
    before = (first or taken((40,), (0.01,) * 7)).model_copy(update=digest_now)
    after = (last or taken((43,))).model_copy(update=digest_now)
    chain = chained(
        [
            ("decision", start),
            ("outcome", ENTERED),
            ("snapshot", named(before)),
            ("decision", rollback),
            ("snapshot", named(after)),
            *(("outcome", ended(run)) for run in runs),
        ],
        begun=ATTEMPT.started_at,
    )
    return Contents(
        attempt=attempt,
        playbook=playbook or book(),
        chain=chain,
        runs=RunsFile(runs=(BEGUN, *runs)),
        snapshots={42: before.text(), 44: after.text()},
        series=SeriesFile(step=15, series=tuple(recorded)),
        captured=CapturedFile(captured=tuple(captured)),
        made_at=NOW,
        ended_at=NOW,
    )


def bundle(given: Contents | None = None, key: Ed25519PrivateKey | None = None) -> dict[str, bytes]:
    """The files of a bundle."""
    made = given or contents()
    index = index_of(made)
    files = files_of(made, index, report(made, index), summary(made, index))
    return signed_anew(files, key)


def signed_anew(files: Mapping[str, str], key: Ed25519PrivateKey | None = None) -> dict[str, bytes]:
    """Files with a statement that fits them: what somebody does who changes one, and does not have the key."""
    plain = {name: text for name, text in files.items() if name not in {STATEMENT, ENVELOPE}}
    said = predicate_of(BundleIndex.model_validate_json(plain[INDEX]))
    return {name: text.encode() for name, text in sealed(plain, said, key).items()}


def changed(files: Mapping[str, bytes], name: str, old: str, new: str) -> dict[str, bytes]:
    """The bundle with a text in one of its files changed, and nothing else."""
    text = files[name].decode()
    if old not in text:
        raise LookupError(f"{old} is not in {name}")
    return {**files, name: text.replace(old, new, 1).encode()}


def of_index(given: Contents) -> BundleIndex:
    """Its index."""
    return index_of(given)


def without(given: Contents, number: int) -> Contents:
    """The same, and one of its snapshots is gone from the store."""
    return replace(given, snapshots={**given.snapshots, number: ""})


def read(text: str) -> Any:
    """A file of JSON."""
    return json.loads(text)
