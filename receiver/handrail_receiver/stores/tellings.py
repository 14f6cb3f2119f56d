"""Who is to be told what, kept until they were: an outbox with one row for each incident and each `Tell`.

Telling carries the whole state, so that a row is only "wanted" or "sent", never a queue of messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from handrail.contract import Tell
from pydantic import TypeAdapter

from handrail_receiver.model import Telling
from handrail_receiver.stores.engine import Engine, Tx

TELL: TypeAdapter[Tell] = TypeAdapter(Tell)


def want(tx: Tx, incident: str, rollout: str, attempt: int, tells: Sequence[Tell], at: datetime) -> None:
    """Somebody is to be told of the incident as it is now."""
    for tell in tells:
        tx.count(
            "INSERT INTO telling (incident, rollout, attempt, tell, due_at)"
            " VALUES (:incident, :rollout, :attempt, :tell, :at)"
            " ON CONFLICT (incident, tell) DO UPDATE SET wanted = telling.wanted + 1, tries = 0, due_at = excluded.due_at",
            incident=incident,
            rollout=rollout,
            attempt=attempt,
            tell=TELL.dump_json(tell).decode(),
            at=at.timestamp(),
        )


def changed(tx: Tx, attempt: int, at: datetime) -> None:
    """Whoever was told of an attempt's incident is to be told again: it stands differently now."""
    sql = "UPDATE telling SET wanted = wanted + 1, tries = 0, due_at = :at WHERE attempt = :attempt"
    tx.count(sql, attempt=attempt, at=at.timestamp())


def begun(tx: Tx, rollout: str, at: float) -> None:
    """Whoever was told that a rollout is not guarded is to be told that now it is."""
    sql = "UPDATE telling SET wanted = wanted + 1, tries = 0, due_at = :at WHERE incident = :incident"
    tx.count(sql, at=at, incident=f"{rollout}-0")


class SqlTellings:
    """Tellings."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def want(self, incident: str, rollout: str, tells: Sequence[Tell], at: datetime) -> None:
        """Somebody is to be told of an incident that belongs to no attempt."""
        await self._engine.write(lambda tx: want(tx, incident, rollout, 0, tells, at))

    async def due(self, at: datetime, until: datetime) -> list[Telling]:
        """Who is to be told now; nobody else is given them before `until`."""
        return await self._engine.write(lambda tx: _due(tx, at, until))

    async def told(self, telling: Telling, receipt: str, problem: str, again_at: datetime | None) -> None:
        """They were told, or not: then `problem` says why, and `again_at` when to try again (None: never)."""
        given_up = not problem or again_at is None
        await self._engine.write(
            lambda tx: tx.count(
                "UPDATE telling SET receipt = :receipt, problem = :problem, tries = tries + 1,"
                " sent = CASE WHEN :over = 1 THEN :version ELSE sent END,"
                " due_at = CASE WHEN :over = 1 AND wanted = :version THEN due_at ELSE :again END WHERE id = :id",
                receipt=receipt,
                problem=problem,
                over=int(given_up),
                version=telling.version,
                again=again_at.timestamp() if again_at else 0.0,
                id=telling.id,
            )
        )


def _due(tx: Tx, at: datetime, until: datetime) -> list[Telling]:
    wanted = "SELECT * FROM telling WHERE wanted > sent AND due_at <= :at ORDER BY due_at LIMIT 20"
    rows = tx.rows(f"{wanted} {tx.skip_locked}", at=at.timestamp())
    for row in rows:
        tx.count("UPDATE telling SET due_at = :until WHERE id = :id", until=until.timestamp(), id=row["id"])
    return [
        Telling(
            id=row["id"],
            incident=row["incident"],
            rollout=row["rollout"],
            attempt=row["attempt"],
            tell=TELL.validate_json(row["tell"]),
            receipt=row["receipt"],
            version=row["wanted"],
            tries=row["tries"],
        )
        for row in rows
    ]
