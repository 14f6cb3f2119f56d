"""An Engine → the Evidence port: append, read all, read the newest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from handrail_receiver.model import EvidenceRecord
from handrail_receiver.store.chain import END, ChainEnd, end_of, link, record_of
from handrail_receiver.store.engine import Engine

ALL = 2**31 - 1


class SqlEvidence:
    """Evidence."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def append(self, rollout: str, kind: str, body: Mapping[str, object], at: datetime) -> None:
        """Add a record to the chain of a rollout."""
        await self._engine.write(lambda tx: link(tx, rollout, kind, body, at))

    async def read(self, rollout: str, after: int = 0, limit: int = ALL) -> list[EvidenceRecord]:
        """The chain of a rollout from record `after` + 1 on, oldest first: at most `limit` records."""
        sql = (
            "SELECT * FROM evidence WHERE rollout = :rollout AND number > :after ORDER BY number LIMIT :limit"
        )
        rows = await self._engine.read(lambda tx: tx.rows(sql, rollout=rollout, after=after, limit=limit))
        return [record_of(row) for row in rows]

    async def newest(self, rollout: str, limit: int, only: Sequence[str] = ()) -> list[EvidenceRecord]:
        """The end of a chain, oldest first: at most `limit` records, of the kinds `only` (none given: of all)."""
        kinds = {f"kind_{chr(ord('a') + place)}": kind for place, kind in enumerate(only)}
        wanted = f" AND kind IN ({', '.join(f':{name}' for name in kinds)})" if kinds else ""
        sql = f"SELECT * FROM evidence WHERE rollout = :rollout{wanted} ORDER BY number DESC LIMIT :limit"  # noqa: S608
        rows = await self._engine.read(lambda tx: tx.rows(sql, rollout=rollout, limit=limit, **kinds))
        return [record_of(row) for row in reversed(rows)]

    async def between(self, rollout: str, start: datetime, end: datetime) -> list[EvidenceRecord]:
        """What was decided between two instants, oldest first."""
        sql = (
            "SELECT * FROM evidence WHERE rollout = :rollout AND at >= :start AND at <= :end"
            " AND kind = 'decision' ORDER BY number"
        )
        times = {"start": start.timestamp(), "end": end.timestamp()}
        rows = await self._engine.read(lambda tx: tx.rows(sql, rollout=rollout, **times))
        return [record_of(row) for row in rows]

    async def end(self, rollout: str) -> ChainEnd:
        """How far the chain of a rollout went when it was last written to."""
        return end_of(await self._engine.read(lambda tx: tx.rows(END, rollout=rollout)))

    async def ends(self) -> dict[str, ChainEnd]:
        """The same of every rollout."""
        rows = await self._engine.read(lambda tx: tx.rows("SELECT * FROM evidence_end"))
        return {str(row["rollout"]): end_of([row]) for row in rows}
