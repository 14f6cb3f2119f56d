"""What people were woken for before the first attempt of a rollout ↔ rows.

It is kept under attempt 0, which is none: no list of attempts has it, and nothing reads its other columns.
"""

from __future__ import annotations

from dataclasses import replace

from handrail_receiver.model import History, LastSaid
from handrail_receiver.store.engine import Tx
from handrail_receiver.store.incident_rows import open_in
from handrail_receiver.store.rows import instant

ROW = "SELECT id FROM attempt WHERE rollout = :rollout AND number = 0"


def before_first(tx: Tx, rollout: str, gate: History) -> History:
    """`gate` with what people were woken for before the first attempt."""
    rows = tx.rows(ROW, rollout=rollout)
    if not rows:
        return gate
    row = int(rows[0]["id"])
    return replace(gate, before=row, said=said_in(tx, row), incidents=open_in(tx, rollout))


def said_in(tx: Tx, attempt: int) -> tuple[LastSaid, ...]:
    """What every series of an alert said last in an attempt."""
    return tuple(
        LastSaid(
            row["series"],
            row["source"],
            bool(row["firing"]),
            instant(row["at"]),
            row["origin"],
            instant(row["began"]) if row["began"] else None,
        )
        for row in tx.rows("SELECT * FROM said WHERE attempt = :id", id=attempt)
    )


def attempt_0(tx: Tx, rollout: str, service: str, now: float) -> int:
    """The row of attempt 0, which is made where there is none."""
    tx.count(
        "INSERT INTO attempt (rollout, service, number, state, stage, stage_entered_at, started_at, started_by)"
        " VALUES (:rollout, :service, 0, 'before', '', :now, :now, '') ON CONFLICT (rollout, number) DO NOTHING",
        rollout=rollout,
        service=service,
        now=now,
    )
    return int(tx.rows(ROW, rollout=rollout)[0]["id"])
