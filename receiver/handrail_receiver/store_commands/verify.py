"""A store → whether the chains of evidence, and the file itself, are whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel

from handrail_receiver.model import EvidenceRecord
from handrail_receiver.store.chain import ChainEnd, end_of, first_broken, record_of
from handrail_receiver.store.rows import instant
from handrail_receiver.store_commands.checkpoints import Checkpoint, contradictions, last_seen, unknowns
from handrail_receiver.store_commands.listing import rollouts
from handrail_receiver.store_commands.opening import Opened, migrations

AT_ONCE = 1000


class ChainView(BaseModel):
    """The chain of one rollout: its records, the newest of a whole one, and the first record that does not fit."""

    rollout: str
    records: int
    newest_at: datetime | None
    newest_hash: str
    first_broken: int | None


class VerifyView(BaseModel):
    """Every chain, what is wrong with the database's own file, and what one part of the store has and another misses."""

    chains: list[ChainView]
    damage: list[str]
    missed: list[str] = []


class ComparedView(VerifyView):
    """The same, with what Prometheus saw of the chains that is not so any more, of so many `checkpoints`.

    `unknown` is what nobody can know, and `seen` the newest record of each chain that Prometheus has seen.
    """

    remembered: list[str]
    checkpoints: int
    unknown: list[str]
    seen: dict[str, int]


def verify(store: Opened) -> VerifyView:
    """Read everything and check it."""
    ends = _ends(store)
    readings = {name: _Reading(store, name) for name in sorted({*rollouts(store), *ends})}
    chains = [_chain(reading, ends.get(name, ChainEnd())) for name, reading in readings.items()]
    whole = [readings[chain.rollout] for chain in chains if chain.first_broken is None]
    return VerifyView(
        chains=chains, damage=_damage(store), missed=[*_missed(store, whole), *_snapshots(store)]
    )


def _remembered(view: VerifyView) -> list[str]:
    return view.remembered if isinstance(view, ComparedView) else []


def compared(
    store: Opened, view: VerifyView, checkpoints: Sequence[Checkpoint], now: datetime
) -> ComparedView:
    """The same, with what Prometheus remembers of the chains."""
    rows = store.rows("SELECT rollout, number, hash, at FROM evidence ORDER BY rollout, number")
    chains: dict[str, dict[int, str]] = {}
    written: dict[str, dict[int, datetime]] = {}
    for row in rows:
        rollout, number = str(row["rollout"]), int(row["number"])
        chains.setdefault(rollout, {})[number] = str(row["hash"])
        written.setdefault(rollout, {})[number] = instant(row["at"])
    names = [chain.rollout for chain in view.chains]
    seen = {name: last for name in names if (last := last_seen(checkpoints, name)) is not None}
    return ComparedView(
        **view.model_dump(),
        remembered=list(contradictions(checkpoints, chains)),
        checkpoints=len(checkpoints),
        unknown=list(unknowns(checkpoints, written, now)),
        seen={name: last.number for name, last in seen.items()},
    )


def not_compared(view: VerifyView, why: str) -> ComparedView:
    """The same where Prometheus does not answer."""
    unknown = [f"nobody can know whether a chain was cut off or made again: {why}"]
    return ComparedView(**view.model_dump(), remembered=[], checkpoints=0, unknown=unknown, seen={})


def _ends(store: Opened) -> dict[str, ChainEnd]:
    """How far each chain went; nothing where a version before this one wrote the store."""
    if "0006_evidence_end.sql" not in migrations(store):
        return {}
    return {str(row["rollout"]): end_of([row]) for row in store.rows("SELECT * FROM evidence_end")}


def _missed(store: Opened, chains: Sequence[_Reading]) -> Iterator[str]:
    """Attempts of which a whole chain says nothing, and those that it speaks of and that are gone."""
    mentioned = {chain.rollout: chain.attempts for chain in chains}
    kept: dict[str, dict[int, int]] = {rollout: {} for rollout in mentioned}
    for row in store.rows("SELECT rollout, id, number FROM attempt ORDER BY number"):
        kept.get(row["rollout"], {})[row["id"]] = row["number"]
    for rollout, numbers in kept.items():
        silent = [number for attempt, number in numbers.items() if attempt not in mentioned[rollout]]
        if silent:
            yield f"the evidence of {rollout} says nothing of its attempt {_listed(silent)}"
        if mentioned[rollout] - set(numbers):
            yield f"the evidence of {rollout} speaks of an attempt that is not there any more"
        gaps = sorted(set(range(1, max(numbers.values(), default=0))) - set(numbers.values()))
        if gaps:
            yield f"attempt {_listed(gaps)} of {rollout} is not there any more"


def _snapshots(store: Opened) -> Iterator[str]:
    """Snapshots, and logs of load bursts, that the evidence names, and that are gone or are not what it names."""
    if "0007_snapshots.sql" not in migrations(store):
        return
    named = "SELECT rollout, number, body FROM evidence WHERE kind IN ('snapshot', 'check', 'burst') ORDER BY rollout, number"
    for row in store.rows(named):
        body = json.loads(row["body"])
        digest = str(body.get("snapshot") or body.get("log", ""))
        rows = store.rows("SELECT body FROM snapshot WHERE digest = :digest", digest=digest)
        if not rows or hashlib.sha256(str(rows[0]["body"]).encode()).hexdigest() != digest:
            now = ", and something else is in its place" if rows else ""
            yield f"the snapshot of record {row['number']} of {row['rollout']} is not there any more{now}"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def problems(view: VerifyView) -> list[str]:
    """What is not whole, a line each."""
    broken = [
        f"evidence of {chain.rollout}: record {chain.first_broken} does not fit the one before: it was altered or"
        " lost after it was written; keep this file, and compare with a copy made before"
        for chain in view.chains
        if chain.first_broken is not None
    ]
    remembered = [f"{what}; compare with a copy made before" for what in _remembered(view)]
    missed = [f"{what}: it was removed by hand; compare with a copy made before" for what in view.missed]
    return [
        *broken,
        *remembered,
        *missed,
        *(f"the file is damaged: {what}; restore a copy" for what in view.damage),
    ]


@dataclass
class _Reading:
    """A chain from its first record on, a page at a time; afterwards, the newest that was read."""

    store: Opened
    rollout: str
    newest: EvidenceRecord | None = None
    attempts: set[int] = field(default_factory=set)

    def __iter__(self) -> Iterator[EvidenceRecord]:
        sql = (
            "SELECT * FROM evidence WHERE rollout = :rollout AND number > :above ORDER BY number LIMIT :limit"
        )
        above = 0
        while rows := self.store.rows(sql, rollout=self.rollout, above=above, limit=AT_ONCE):
            for self.newest in map(record_of, rows):
                yield self.newest
                self.attempts |= {int(json.loads(self.newest.body).get("attempt") or 0)} - {0}
            above = int(rows[-1]["number"])


def _chain(reading: _Reading, end: ChainEnd) -> ChainView:
    broken = first_broken(reading)
    (counted,) = reading.store.rows(
        "SELECT COUNT(*) AS n FROM evidence WHERE rollout = :rollout", rollout=reading.rollout
    )
    if broken is None and end.is_missed(reading.newest):
        broken = (reading.newest.number if reading.newest else 0) + 1
    newest = reading.newest if broken is None else None
    return ChainView(
        rollout=reading.rollout,
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
