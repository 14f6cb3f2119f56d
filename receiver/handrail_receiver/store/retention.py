"""Deliveries that are old enough → gone. Attempts, runs and evidence stay."""

from __future__ import annotations

from datetime import datetime

from handrail_receiver.store.engine import Engine

AT_ONCE = 1000


class SqlRetention:
    """Retention. Few rows at a time, so that nobody waits for it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def drop(self, before: datetime, repeats_before: datetime) -> int:
        """Remove decided deliveries from before an instant, those that said nothing new from before another."""
        dropped = 0
        while True:
            count = await self._engine.write(
                lambda tx: tx.count(
                    "DELETE FROM inbox WHERE number IN (SELECT number FROM inbox WHERE result IS NOT NULL"
                    " AND (at < :before OR (at < :repeats AND result IN ('repeat', 'ignore'))) LIMIT :limit)",
                    before=before.timestamp(),
                    repeats=repeats_before.timestamp(),
                    limit=AT_ONCE,
                )
            )
            dropped += count
            if count < AT_ONCE:
                return dropped
