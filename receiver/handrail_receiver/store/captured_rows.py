"""Rows of captured figures ↔ what limits are relative to, in one place because both ways must agree."""

from __future__ import annotations

import json

from handrail_receiver.model import Captured
from handrail_receiver.store.engine import Row, Tx


def captured_of(tx: Tx, attempt: int) -> tuple[Captured, ...]:
    """What was captured for an attempt."""
    rows = tx.rows("SELECT * FROM reference WHERE attempt = :id ORDER BY guardrail, reference", id=attempt)
    return tuple(map(captured_figure, rows))


def captured_key(one: Captured) -> str:
    """The reference, and after it the labels of the one value that it is of; no stage has a brace in its name."""
    return (
        f"{one.reference}{json.dumps(dict(one.labels), ensure_ascii=False)}" if one.labels else one.reference
    )


def captured_figure(row: Row) -> Captured:
    """What was captured, of one row."""
    reference, brace, labels = row["reference"].partition("{")
    known = tuple(json.loads(brace + labels).items()) if brace else ()
    return Captured(row["guardrail"], reference, row["value"], known)


def capture(tx: Tx, attempt: int, captured: tuple[Captured, ...]) -> None:
    """Keep what was captured for an attempt; a later figure of the same kind takes its place."""
    for one in captured:
        tx.count(
            "INSERT INTO reference (attempt, guardrail, reference, value)"
            " VALUES (:attempt, :guardrail, :reference, :value)"
            " ON CONFLICT (attempt, guardrail, reference) DO UPDATE SET value = excluded.value",
            attempt=attempt,
            guardrail=one.guardrail,
            reference=captured_key(one),
            value=one.value,
        )
