"""Record → link: the hash of a record covers all its fields and the hash of the one before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from handrail_receiver.model import EvidenceRecord
from handrail_receiver.store.engine import Row, Tx
from handrail_receiver.store.rows import canonical, instant

GENESIS = "0" * 64


def link(tx: Tx, rollout: str, kind: str, body: Mapping[str, object], at: datetime) -> int:
    """Append a record to the chain of a rollout; its number."""
    tx.lock(f"evidence:{rollout}")
    last = tx.rows(
        "SELECT number, hash FROM evidence WHERE rollout = :rollout ORDER BY number DESC LIMIT 1",
        rollout=rollout,
    )
    number, previous = (last[0]["number"] + 1, last[0]["hash"]) if last else (1, GENESIS)
    text, seconds = canonical(body), at.timestamp()
    hashed = digest(rollout, number, instant(seconds), kind, text, previous)
    tx.count(
        "INSERT INTO evidence (rollout, number, at, kind, body, previous, hash)"
        " VALUES (:rollout, :number, :at, :kind, :body, :previous, :hash)",
        rollout=rollout,
        number=number,
        at=seconds,
        kind=kind,
        body=text,
        previous=previous,
        hash=hashed,
    )
    tx.count(
        "INSERT INTO evidence_end (rollout, number, hash) VALUES (:rollout, :number, :hash)"
        " ON CONFLICT (rollout) DO UPDATE SET number = excluded.number, hash = excluded.hash",
        rollout=rollout,
        number=number,
        hash=hashed,
    )
    return int(number)


def digest(rollout: str, number: int, at: datetime, kind: str, body: str, previous: str) -> str:
    """SHA-256 over the canonical JSON of a record's fields."""
    fields = {
        "rollout": rollout,
        "number": number,
        "at": at.isoformat(),
        "kind": kind,
        "body": body,
        "previous": previous,
    }
    return hashlib.sha256(canonical(fields).encode()).hexdigest()


@dataclass(frozen=True)
class ChainEnd:
    """How far a chain went when its end was noted: the number and the hash of its newest record then."""

    number: int = 0
    hash: str = ""

    def is_missed(self, last: EvidenceRecord | None) -> bool:
        """Whether the chain is shorter now, or ends otherwise. `last` is its newest record."""
        number = last.number if last else 0
        return number < self.number or (last is not None and number == self.number and last.hash != self.hash)


END = "SELECT number, hash FROM evidence_end WHERE rollout = :rollout"


def end_of(rows: Sequence[Row]) -> ChainEnd:
    """What END selects."""
    return ChainEnd(rows[0]["number"], rows[0]["hash"]) if rows else ChainEnd()


def record_of(row: Row) -> EvidenceRecord:
    """A row of `evidence`."""
    return EvidenceRecord(
        row["number"],
        instant(row["at"]),
        row["rollout"],
        row["kind"],
        row["body"],
        row["previous"],
        row["hash"],
    )


def first_broken(records: Iterable[EvidenceRecord], after: EvidenceRecord | None = None) -> int | None:
    """The number of the first record that does not fit the one before, None when the chain is whole.

    `after` is the record before the first of `records`, None where they are the beginning.
    """
    return _first_unfit(records, after.number + 1 if after else 1, after.hash if after else GENESIS)


def first_broken_of(end: Sequence[EvidenceRecord]) -> int | None:
    """The same of the end of a chain: what stands before its first record is taken on trust."""
    if not end or end[0].number == 1:
        return first_broken(end)
    return _first_unfit(end, end[0].number, end[0].previous)


def _first_unfit(records: Iterable[EvidenceRecord], number: int, previous: str) -> int | None:
    for record in records:
        expected = digest(record.rollout, record.number, record.at, record.kind, record.body, record.previous)
        if record.number != number or record.previous != previous or record.hash != expected:
            return number
        previous, number = record.hash, number + 1
    return None
