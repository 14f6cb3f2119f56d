"""An attempt of any number → the attempt with its runs, for a bundle of its evidence."""

from __future__ import annotations

from dataclasses import dataclass

from handrail_receiver.model import Attempt, Run
from handrail_receiver.store.engine import Engine, Tx
from handrail_receiver.store.histories import RUNS
from handrail_receiver.store.rows import attempt_of, run_or_failed

NUMBERED = "SELECT * FROM attempt WHERE rollout = :rollout AND number <= :number ORDER BY number DESC LIMIT 2"


@dataclass(frozen=True)
class PastAttempt:
    """An attempt, what was carried out in it, and the id of the one before it (0: there was none)."""

    attempt: Attempt
    runs: tuple[Run, ...]
    before: int


class SqlPast:
    """All attempts of all rollouts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def attempt(self, rollout: str, number: int | None) -> PastAttempt | None:
        """The attempt with a number, or the newest; None where there is none. Raises what UNREADABLE lists."""
        return await self._engine.read(lambda tx: _attempt(tx, rollout, number))

    async def known(self, rollout: str, attempt: int) -> Attempt | None:
        """The attempt with an id, by which records name it; None where there is none. Raises what UNREADABLE lists."""

        def work(tx: Tx) -> Attempt | None:
            rows = tx.rows(
                "SELECT * FROM attempt WHERE rollout = :rollout AND id = :id", rollout=rollout, id=attempt
            )
            return attempt_of(rows[0]) if rows else None

        return await self._engine.read(work)


def _attempt(tx: Tx, rollout: str, number: int | None) -> PastAttempt | None:
    rows = tx.rows(NUMBERED, rollout=rollout, number=number if number is not None else 2**31 - 1)
    if not rows or (number is not None and rows[0]["number"] != number):
        return None
    runs = tx.rows(f"{RUNS} WHERE run.attempt = :id ORDER BY run.id", id=rows[0]["id"])
    effects = "SELECT * FROM effect WHERE run = :id ORDER BY position"
    read = (run_or_failed(row, tx.rows(effects, id=row["id"])) for row in runs)
    return PastAttempt(attempt_of(rows[0]), tuple(read), rows[1]["id"] if len(rows) > 1 else 0)
