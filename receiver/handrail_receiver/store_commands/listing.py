"""A store → what was delivered, what was carried out, what is in evidence: the newest, oldest of them first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from itertools import islice

from handrail.contract import names
from pydantic import BaseModel

from handrail_receiver.errors import WrongSettings
from handrail_receiver.intake.parse import NotAlertmanagers, parse
from handrail_receiver.model import Notification, Run
from handrail_receiver.store.chain import record_of
from handrail_receiver.store.engine import Row
from handrail_receiver.store.rows import effect_of, instant, run_of
from handrail_receiver.store_commands.opening import Opened
from handrail_receiver.view_models.schemas import RecordView, RunView, record_view, run_view

AT_ONCE = 50
RUNS = "SELECT run.*, attempt.rollout, attempt.number, attempt.fence FROM run JOIN attempt ON attempt.id = run.attempt"


@dataclass(frozen=True)
class Filter:
    """Which of them: of one rollout, of one of its attempts, of one kind, not before an instant, and how many."""

    rollout: str = ""
    attempt: int | None = None
    kind: str = ""
    since: datetime | None = None
    limit: int = 20

    @property
    def after(self) -> float:
        """`since` as the columns hold it; before everything without it."""
        return self.since.timestamp() if self.since else 0.0


class NotificationView(BaseModel):
    """A delivery: `result` is empty while it waits to be decided; `body` is what was sent."""

    number: int
    at: datetime
    source: str
    firing: int
    resolved: int
    rollouts: list[str]
    result: str
    reason: str
    body: str


class StoredRunView(RunView):
    """A run, with the rollout and the number of the attempt that it belongs to."""

    rollout: str
    attempt: int


class StoredRecordView(RecordView):
    """A record of evidence, with its rollout and the number of its attempt (None: it belongs to none)."""

    rollout: str
    attempt: int | None


def notifications(store: Opened, chosen: Filter) -> list[NotificationView]:
    """The newest deliveries; of a rollout, those that name it."""
    select = "SELECT * FROM inbox WHERE number < :below AND at >= :since"
    deliveries = map(_notification, _backwards(store, select, "number", since=chosen.after))
    wanted = (one for one in deliveries if not chosen.rollout or chosen.rollout in one.rollouts)
    return list(islice(wanted, chosen.limit))[::-1]


def runs(store: Opened, chosen: Filter) -> list[StoredRunView]:
    """The newest runs by when they were decided, with their steps. Raises WrongSettings for an unknown rollout."""
    _known(store, chosen.rollout)
    select = f"{RUNS} WHERE run.id < :below AND run.decided_at >= :since"
    rows = _backwards(store, select, "run.id", since=chosen.after)
    kept = (
        row
        for row in rows
        if chosen.rollout in {"", row["rollout"]} and chosen.attempt in {None, row["number"]}
    )
    return [_run(store, row) for row in islice(kept, chosen.limit)][::-1]


def evidence(store: Opened, chosen: Filter) -> list[StoredRecordView]:
    """The newest records of evidence, of all rollouts together unless one is named.

    Raises WrongSettings for a rollout without any.
    """
    _known(store, chosen.rollout)
    numbers = {int(row["id"]): int(row["number"]) for row in store.rows("SELECT id, number FROM attempt")}
    records = [
        view
        for rollout in ([chosen.rollout] if chosen.rollout else rollouts(store))
        for view in islice(_records(store, rollout, numbers, chosen), chosen.limit)
    ]
    return nlargest(chosen.limit, records, key=lambda view: (view.at, view.rollout, view.number))[::-1]


def runs_behind(store: Opened, records: Sequence[StoredRecordView]) -> list[Run]:
    """The runs of the attempts that records belong to: they know what each step does."""
    attempts = {(one.rollout, one.attempt) for one in records}
    chosen = f"{RUNS} WHERE attempt.rollout = :rollout AND attempt.number = :number ORDER BY run.id"
    return [
        _whole(store, row)
        for rollout, number in sorted((name, number) for name, number in attempts if number is not None)
        for row in store.rows(chosen, rollout=rollout, number=number)
    ]


def rollouts(store: Opened) -> list[str]:
    """Every rollout that the store knows."""
    rows = store.rows("SELECT rollout FROM attempt UNION SELECT rollout FROM evidence ORDER BY rollout")
    return [str(row["rollout"]) for row in rows]


def _known(store: Opened, rollout: str) -> None:
    if rollout and rollout not in (known := rollouts(store)):
        raise WrongSettings(
            f"the store knows no rollout {rollout!r}; use one of: {', '.join(known) or 'it knows none yet'}"
        )


def _backwards(store: Opened, select: str, key: str, **values: object) -> Iterator[Row]:
    """Rows from the newest on, a few at a time: a store may hold more than fits into memory."""
    below = 2**62
    while rows := store.rows(f"{select} ORDER BY {key} DESC LIMIT {AT_ONCE}", below=below, **values):
        yield from rows
        below = int(rows[-1][key.rpartition(".")[2]])


def _notification(row: Row) -> NotificationView:
    body = bytes(row["body"])
    said = _read(body)
    return NotificationView(
        number=row["number"],
        at=instant(row["at"]),
        source=row["source"],
        firing=sum(signal.firing for signal in said.signals),
        resolved=sum(not signal.firing for signal in said.signals),
        rollouts=sorted(
            {signal.labels[names.ROLLOUT] for signal in said.signals if names.ROLLOUT in signal.labels}
        ),
        result=row["result"] or "",
        reason=row["reason"] or "",
        body=body.decode(errors="replace"),
    )


def _read(body: bytes) -> Notification:
    """What a body says; nothing, when a version before this one took what this one would not."""
    try:
        return parse(body)
    except NotAlertmanagers:
        return Notification(())


def _whole(store: Opened, row: Row) -> Run:
    steps = store.rows("SELECT * FROM effect WHERE run = :id ORDER BY position", id=row["id"])
    return run_of(row, [effect_of(step) for step in steps])


def _run(store: Opened, row: Row) -> StoredRunView:
    run = _whole(store, row)
    return StoredRunView(rollout=run.rollout, attempt=row["number"], **run_view(run).model_dump())


def _records(
    store: Opened, rollout: str, numbers: dict[int, int], chosen: Filter
) -> Iterator[StoredRecordView]:
    select = "SELECT * FROM evidence WHERE rollout = :rollout AND number < :below AND at >= :since"
    rows = _backwards(store, select, "number", rollout=rollout, since=chosen.after)
    for record in map(record_of, rows):
        attempt = numbers.get(json.loads(record.body).get("attempt") or 0)
        if chosen.kind in {"", record.kind} and chosen.attempt in {None, attempt}:
            yield StoredRecordView(rollout=rollout, attempt=attempt, **record_view(record).model_dump())
