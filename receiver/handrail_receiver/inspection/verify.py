"""A store → whether the chains of evidence, and the file itself, are whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel

from handrail_receiver.inspection.listing import rollouts
from handrail_receiver.inspection.opening import Opened
from handrail_receiver.model import EvidenceRecord
from handrail_receiver.stores.chain import first_broken, record_of

AT_ONCE = 1000


class ChainView(BaseModel):
    """The chain of one rollout: its records, the newest of a whole one, and the first record that does not fit."""

    rollout: str
    records: int
    newest_at: datetime | None
    newest_hash: str
    first_broken: int | None


class VerifyView(BaseModel):
    """Every chain, and what is wrong with the database's own file."""

    chains: list[ChainView]
    damage: list[str]


def verify(store: Opened) -> VerifyView:
    """Read everything and check it."""
    return VerifyView(chains=[_chain(store, name) for name in rollouts(store)], damage=_damage(store))


def problems(view: VerifyView) -> list[str]:
    """What is not whole, a line each."""
    broken = [
        f"evidence of {chain.rollout}: record {chain.first_broken} does not fit the one before: it was altered or"
        " lost after it was written; keep this file, and compare with a copy made before"
        for chain in view.chains
        if chain.first_broken is not None
    ]
    return [*broken, *(f"the file is damaged: {what}; restore a copy" for what in view.damage)]


@dataclass
class _Reading:
    """A chain from its first record on, a page at a time; afterwards, the newest that was read."""

    store: Opened
    rollout: str
    newest: EvidenceRecord | None = None

    def __iter__(self) -> Iterator[EvidenceRecord]:
        sql = (
            "SELECT * FROM evidence WHERE rollout = :rollout AND number > :above ORDER BY number LIMIT :limit"
        )
        above = 0
        while rows := self.store.rows(sql, rollout=self.rollout, above=above, limit=AT_ONCE):
            for self.newest in map(record_of, rows):
                yield self.newest
            above = int(rows[-1]["number"])


def _chain(store: Opened, rollout: str) -> ChainView:
    reading = _Reading(store, rollout)
    broken = first_broken(reading)
    (counted,) = store.rows("SELECT COUNT(*) AS n FROM evidence WHERE rollout = :rollout", rollout=rollout)
    newest = reading.newest if broken is None else None
    return ChainView(
        rollout=rollout,
        records=counted["n"],
        newest_at=newest.at if newest else None,
        newest_hash=newest.hash if newest else "",
        first_broken=broken,
    )


def _damage(store: Opened) -> list[str]:
    """What SQLite finds wrong with its file; PostgreSQL has its own tools for that."""
    if store.kind != "SQLite":
        return []
    said = [str(row["quick_check"]) for row in store.rows("PRAGMA quick_check")]
    return [] if said == ["ok"] else said
