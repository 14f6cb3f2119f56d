"""An Engine → the Evidence port: append, read all, read the newest."""

from __future__ import annotations

from collections.abc import Mapping
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

    async def newest(self, rollout: str, limit: int, but: str = "") -> list[EvidenceRecord]:
        """The end of a chain, oldest first: at most `limit` records, those of the kind `but` left out."""
        sql = (
            "SELECT * FROM evidence WHERE rollout = :rollout AND kind <> :but"
            " ORDER BY number DESC LIMIT :limit"
        )
        rows = await self._engine.read(lambda tx: tx.rows(sql, rollout=rollout, but=but, limit=limit))
        return [record_of(row) for row in reversed(rows)]

    async def end(self, rollout: str) -> ChainEnd:
        """How far the chain of a rollout went when it was last written to."""
        return end_of(await self._engine.read(lambda tx: tx.rows(END, rollout=rollout)))
