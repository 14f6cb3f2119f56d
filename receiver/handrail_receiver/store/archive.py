"""An Engine → the Archive port: many rollouts at once, earlier attempts, and what was recorded in one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from handrail_receiver.errors import UNREADABLE
from handrail_receiver.model import AttemptLine, EvidenceRecord, History
from handrail_receiver.store.chain import record_of
from handrail_receiver.store.engine import Engine, Tx
from handrail_receiver.store.histories import history_of
from handrail_receiver.store.rows import NEVER_BEGAN, instant

log = logging.getLogger("handrail")
TOGETHER = 25
"""How many rollouts are read in one transaction: what else wants to read waits no longer than they take."""

LINES = (
    "SELECT number, state, stage, started_at, started_by,"  # noqa: S608  our own words
    " (SELECT reason FROM run WHERE run.attempt = attempt.id AND run.action LIKE '%rollback'"
    f" AND NOT {NEVER_BEGAN} ORDER BY run.id DESC LIMIT 1) AS reason"
    " FROM attempt WHERE rollout = :rollout AND number > 0 ORDER BY number DESC LIMIT :limit"
)
RECORDS = (
    "SELECT * FROM evidence WHERE rollout = :rollout"
    " AND at >= (SELECT started_at FROM attempt WHERE rollout = :rollout AND number = :number)"
    " AND at < COALESCE((SELECT started_at FROM attempt WHERE rollout = :rollout AND number = :number + 1), :never)"
    " ORDER BY number DESC LIMIT :limit"
)
NEVER = 4e10
"""Later than any instant that is kept, in seconds since 1970."""


class SqlArchive:
    """Archive."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def newest(self, rollouts: Sequence[str], at: datetime) -> dict[str, History]:
        """The newest history of each rollout; one that cannot be read is logged and left out."""
        histories: dict[str, History] = {}
        for first in range(0, len(rollouts), TOGETHER):
            some = rollouts[first : first + TOGETHER]
            histories |= await self._engine.read(partial(_newest, rollouts=some, at=at))
        return histories

    async def attempts(self, rollout: str, limit: int) -> list[AttemptLine]:
        """A line for each attempt of a rollout, the newest first."""
        rows = await self._engine.read(lambda tx: tx.rows(LINES, rollout=rollout, limit=limit))
        return [
            AttemptLine(
                row["number"],
                row["state"],
                row["stage"],
                instant(row["started_at"]),
                row["started_by"],
                row["reason"] or "",
            )
            for row in rows
        ]

    async def attempt(
        self, rollout: str, number: int, at: datetime, limit: int
    ) -> tuple[History, list[EvidenceRecord]] | None:
        """One attempt and the newest records from its time, oldest first; None where there is no such attempt."""

        def work(tx: Tx) -> tuple[History, list[EvidenceRecord]] | None:
            history = history_of(tx, rollout, at, number=number)
            if history.attempt is None:
                return None
            rows = tx.rows(RECORDS, rollout=rollout, number=number, never=NEVER, limit=limit)
            return history, [record_of(row) for row in reversed(rows)]

        return await self._engine.read(work)


def _newest(tx: Tx, rollouts: Sequence[str], at: datetime) -> dict[str, History]:
    histories: dict[str, History] = {}
    for rollout in rollouts:
        try:
            histories[rollout] = history_of(tx, rollout, at)
        except UNREADABLE as error:
            log.warning("the attempt of %s cannot be read: %s", rollout, " ".join(str(error).split()))
    return histories
