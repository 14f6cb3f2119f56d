"""Snapshots ↔ rows: kept in one write with the record of the evidence that names them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from handrail.contract import Tell

from handrail_receiver.model import check_key
from handrail_receiver.store.chain import link
from handrail_receiver.store.engine import Engine, Tx
from handrail_receiver.store.outbox import want

KEEP = "INSERT INTO snapshot (digest, body) VALUES (:digest, :body) ON CONFLICT (digest) DO NOTHING"
SCHEDULED = (
    "SELECT body FROM evidence WHERE rollout = :rollout AND kind IN ('check', 'burst')"
    " AND body LIKE '%\"scheduled\":\"' || :entry || '%'"
)
BEGUN_WITH = (
    "SELECT body FROM evidence WHERE rollout = :rollout AND kind = 'decision' AND body LIKE '%\"artifact\":%'"
    " ORDER BY number DESC LIMIT 20"
)


class SqlSnapshots:
    """The snapshots of all rollouts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def keep(
        self,
        rollout: str,
        kind: str,
        digest: str,
        text: str,
        body: Mapping[str, object],
        at: datetime,
        once: str = "",
        tell: Sequence[Tell] = (),
    ) -> None:
        """A snapshot, and its record in the chain of a rollout; one that is scheduled as `once` is kept once.

        Those in `tell` are to hear of it.
        """

        def work(tx: Tx) -> None:
            tx.lock(f"evidence:{rollout}")
            entry = "/".join([*once.split("/")[:2], ""])
            if once and once in _scheduled(tx, rollout, entry):
                return
            tx.count(KEEP, digest=digest, body=text)
            number = link(tx, rollout, kind, body, at)
            want(tx, check_key(rollout, number), rollout, 0, tell, at)

        await self._engine.write(work)

    async def read(self, digest: str) -> str | None:
        """A snapshot as it was kept; None where there is none."""
        sql = "SELECT body FROM snapshot WHERE digest = :digest"
        rows = await self._engine.read(lambda tx: tx.rows(sql, digest=digest))
        return str(rows[0]["body"]) if rows else None

    async def scheduled(self, rollout: str, entry: str) -> Mapping[str, bool | None]:
        """What was made of what is declared for a stage, by its key, which begins with `entry`: whether it was well."""
        return await self._engine.read(lambda tx: _scheduled(tx, rollout, entry))

    async def artifact(self, rollout: str, attempt: int) -> str:
        """What was said at the start of an attempt to go out in it: a version, or an image's digest."""
        rows = await self._engine.read(lambda tx: tx.rows(BEGUN_WITH, rollout=rollout))
        said = [json.loads(row["body"]) for row in rows]
        return next((str(one["artifact"]) for one in said if one.get("attempt") == attempt), "")


def _scheduled(tx: Tx, rollout: str, entry: str) -> dict[str, bool | None]:
    rows = tx.rows(SCHEDULED, rollout=rollout, entry=entry)
    bodies = [json.loads(row["body"]) for row in rows]
    return {str(body["scheduled"]): body.get("ok") for body in bodies}
