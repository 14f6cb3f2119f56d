"""What people said about a gate ↔ rows: the last word on each question, and the newest approval of each role."""

from __future__ import annotations

from handrail_receiver.model import Approved, Checked
from handrail_receiver.store.engine import Tx
from handrail_receiver.store.rows import approved_of, checked_of


def checked_in(tx: Tx, rollout: str, number: int) -> tuple[Checked, ...]:
    """The answers that were given in attempt `number`, which may not have begun yet."""
    sql = "SELECT * FROM checked WHERE rollout = :rollout AND number = :number ORDER BY into_stage, question"
    return tuple(map(checked_of, tx.rows(sql, rollout=rollout, number=number)))


def approved_in(tx: Tx, rollout: str, number: int) -> tuple[Approved, ...]:
    """The approvals of attempt `number` and of the one before it."""
    sql = (
        "SELECT * FROM approved WHERE rollout = :rollout AND number IN (:number, :number - 1)"
        " ORDER BY number, into_stage, role"
    )
    return tuple(map(approved_of, tx.rows(sql, rollout=rollout, number=number)))


def check(tx: Tx, rollout: str, said: Checked) -> None:
    """Keep an answer in place of the one before it."""
    tx.count(
        "INSERT INTO checked (rollout, number, into_stage, question, passed, said_by, at, note)"
        " VALUES (:rollout, :number, :into, :question, :passed, :by, :at, :note)"
        " ON CONFLICT (rollout, number, into_stage, question) DO UPDATE SET passed = excluded.passed,"
        " said_by = excluded.said_by, at = excluded.at, note = excluded.note",
        rollout=rollout,
        number=said.number,
        into=said.into,
        question=said.question,
        passed=int(said.passed),
        by=said.by,
        at=said.at.timestamp(),
        note=said.note,
    )


def approve(tx: Tx, rollout: str, said: Approved) -> None:
    """Keep an approval in place of the one before it."""
    tx.count(
        "INSERT INTO approved (rollout, number, into_stage, role, said_by, at, until, digest, token, note)"
        " VALUES (:rollout, :number, :into, :role, :by, :at, :until, :digest, :token, :note)"
        " ON CONFLICT (rollout, number, into_stage, role) DO UPDATE SET said_by = excluded.said_by,"
        " at = excluded.at, until = excluded.until, digest = excluded.digest, token = excluded.token,"
        " note = excluded.note",
        rollout=rollout,
        number=said.number,
        into=said.into,
        role=said.role,
        by=said.by,
        at=said.at.timestamp(),
        until=said.until.timestamp(),
        digest=said.digest,
        token=said.token,
        note=said.note,
    )
