"""Attempts of any number or time → them with their runs, for a bundle of evidence or a report."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from handrail_receiver.errors import UNREADABLE
from handrail_receiver.model import Attempt, Captured, Run
from handrail_receiver.store.captured_rows import captured_of
from handrail_receiver.store.engine import Engine, Row, Tx
from handrail_receiver.store.histories import RUNS
from handrail_receiver.store.rows import attempt_of, instant, run_or_failed

NUMBERED = "SELECT * FROM attempt WHERE rollout = :rollout AND number > 0 AND number <= :number ORDER BY number DESC LIMIT 2"
WITHIN = (
    "SELECT *, COALESCE((SELECT id FROM attempt other WHERE other.rollout = attempt.rollout"
    " AND other.number = attempt.number - 1 AND other.number > 0), 0) AS previous_id"
    " FROM attempt WHERE rollout = :rollout AND number > 0 AND started_at < :end AND number >= COALESCE("
    "(SELECT MAX(number) FROM attempt WHERE rollout = :rollout AND started_at <= :start), 0) ORDER BY number"
)
"""Attempts follow one another: the last that began before a time may still be under way in it, and none before that."""
HAPPENED = (
    "SELECT attempt.*, once.name AS happened, once.at AS happened_at FROM once"
    " JOIN attempt ON attempt.id = once.attempt"
    " WHERE once.name LIKE :prefix || '%' AND once.at >= :since ORDER BY once.at"
)

BEGAN = "store/began"
"""The name under which it is remembered when a receiver first used the store."""
KEPT_SINCE = (
    "SELECT MIN(at) AS at FROM (SELECT MIN(started_at) AS at FROM attempt"
    " UNION ALL SELECT MIN(at) AS at FROM evidence UNION ALL SELECT at FROM memory WHERE name = :name) kept"
)


@dataclass(frozen=True)
class PastAttempt:
    """An attempt, what was carried out in it, the id of the one before it (0: there was none), and what was captured for it.

    `playbook` is the SHA-256 of its playbook as it is kept.
    """

    attempt: Attempt
    runs: tuple[Run, ...]
    before: int
    captured: tuple[Captured, ...] = ()
    playbook: str = ""


class SqlPast:
    """All attempts of all rollouts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def kept_since(self) -> datetime | None:
        """When this store began to keep anything; None where nothing has noted that yet."""
        rows = await self._engine.read(lambda tx: tx.rows(KEPT_SINCE, name=BEGAN))
        return instant(rows[0]["at"]) if rows and rows[0]["at"] is not None else None

    async def attempt(self, rollout: str, number: int | None) -> PastAttempt | None:
        """The attempt with a number, or the newest; None where there is none. Raises what UNREADABLE lists."""
        return await self._engine.read(lambda tx: _attempt(tx, rollout, number))

    async def known(self, rollout: str, attempt: int) -> Attempt | None:
        """The attempt with an id, by which records name it; None where there is none. Raises what UNREADABLE lists."""

        def work(tx: Tx) -> Attempt | None:
            rows = tx.rows(
                "SELECT * FROM attempt WHERE rollout = :rollout AND id = :id AND number > 0",
                rollout=rollout,
                id=attempt,
            )
            return attempt_of(rows[0]) if rows else None

        return await self._engine.read(work)

    async def happened(self, prefix: str, since: datetime) -> list[tuple[Attempt, str, datetime]]:
        """What happened since once in an attempt under a name that begins with `prefix`: the attempt, the rest, and when.

        Attempts that cannot be read are left out.
        """

        def work(tx: Tx) -> list[tuple[Attempt, str, datetime]]:
            rows = tx.rows(HAPPENED, prefix=prefix, since=since.timestamp())
            found: list[tuple[Attempt, str, datetime]] = []
            for row in rows:
                with suppress(*UNREADABLE):
                    name = str(row["happened"]).removeprefix(prefix)
                    found.append((attempt_of(row), name, instant(row["happened_at"])))
            return found

        return await self._engine.read(work)

    async def within(self, rollout: str, start: datetime, end: datetime) -> list[PastAttempt]:
        """The attempts that were there between two instants, oldest first. Raises what UNREADABLE lists."""

        def work(tx: Tx) -> list[PastAttempt]:
            rows = tx.rows(WITHIN, rollout=rollout, start=start.timestamp(), end=end.timestamp())
            return [_past(tx, row, int(row["previous_id"])) for row in rows]

        return await self._engine.read(work)


def _attempt(tx: Tx, rollout: str, number: int | None) -> PastAttempt | None:
    rows = tx.rows(NUMBERED, rollout=rollout, number=number if number is not None else 2**31 - 1)
    if not rows or (number is not None and rows[0]["number"] != number):
        return None
    return _past(tx, rows[0], rows[1]["id"] if len(rows) > 1 else 0)


def _past(tx: Tx, row: Row, before: int) -> PastAttempt:
    runs = tx.rows(f"{RUNS} WHERE run.attempt = :id ORDER BY run.id", id=row["id"])
    effects = "SELECT * FROM effect WHERE run = :id ORDER BY position"
    read = (run_or_failed(one, tx.rows(effects, id=one["id"])) for one in runs)
    playbook = hashlib.sha256((row["playbook"] or "").encode()).hexdigest()
    return PastAttempt(attempt_of(row), tuple(read), before, captured_of(tx, row["id"]), playbook)
