"""The outbox: who is to be told of which incident, one row for each incident and `Tell`, kept until they were told.

A message carries the whole state, so a row is only "wanted" or "sent", never a queue of messages. Beside it is
whether the incident was opened since, which some channels must be told before they are told that it is over.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from handrail.contract import Playbook, Tell
from pydantic import TypeAdapter, ValidationError

from handrail_receiver.model import Telling, TellResult, Untold
from handrail_receiver.store.engine import Engine, Row, Tx
from handrail_receiver.store.rows import instant

log = logging.getLogger("handrail")
TELL: TypeAdapter[Tell] = TypeAdapter(Tell)
EVENTS = "cdevents"
"""The kind of channel that is sent the events of an attempt's life."""
LONGEST = 2000
"""Bytes that `tell` holds, because there is an index of it, and PostgreSQL's take 2704; of a longer `Tell` the digest."""
UNREAD = "this version cannot read who is to be told"
AGAIN = "wanted = telling.wanted + 1, due_at = :at"
OPENED_AGAIN = (
    f"DO UPDATE SET {AGAIN}, opened = telling.wanted + 1,"
    " urgent = CASE WHEN excluded.urgent > telling.urgent THEN excluded.urgent ELSE telling.urgent END"
)


def want(
    tx: Tx,
    incident: str,
    rollout: str,
    attempt: int,
    tells: Sequence[Tell],
    at: datetime,
    *,
    urgent: bool = False,
) -> None:
    """Something happened that opens the incident: somebody is to be told, the urgent before all others."""
    for tell in tells:
        _row(tx, incident, rollout, attempt, tell, at.timestamp(), urgent=urgent, known=OPENED_AGAIN)


def _row(
    tx: Tx, incident: str, rollout: str, attempt: int, tell: Tell, at: float, *, urgent: bool, known: str
) -> None:
    """Somebody who is to hear of it; `known` is what follows when they hear of it already."""
    whole = TELL.dump_json(tell)
    long = len(whole) > LONGEST
    tx.count(
        "INSERT INTO telling (incident, rollout, attempt, tell, whole, opened, urgent, due_at)"  # noqa: S608  our own words
        " VALUES (:incident, :rollout, :attempt, :tell, :whole, 1, :urgent, :at)"
        f" ON CONFLICT (incident, tell) {known}",
        incident=incident,
        rollout=rollout,
        attempt=attempt,
        tell=sha256(whole).hexdigest() if long else whole.decode(),
        whole=whole.decode() if long else "",
        urgent=int(urgent),
        at=at,
    )


def changed(tx: Tx, attempt: int, at: datetime, *, opened: bool = False) -> None:
    """Whoever was told of an attempt's incident is to be told again: it stands differently now, or was `opened` again."""
    again = f"{AGAIN}, opened = telling.wanted + 1" if opened else AGAIN
    sql = f"UPDATE telling SET {again} WHERE attempt = :attempt"  # noqa: S608  our own words
    tx.count(sql, attempt=attempt, at=at.timestamp())


def life_begins(tx: Tx, incident: str, rollout: str, attempt: int, playbook: Playbook, at: float) -> None:
    """An attempt begins: those hear of it who are sent each event of its life."""
    told = {
        repr(one): one for action in playbook.actions for one in action.tell if one.channel.kind == EVENTS
    }
    for tell in told.values():
        _row(tx, incident, rollout, attempt, tell, at, urgent=False, known="DO NOTHING")


def lives_on(tx: Tx, attempt: int, at: datetime) -> None:
    """Something happened in the life of an attempt of which nobody but those hears."""
    sql = f"UPDATE telling SET {AGAIN} WHERE attempt = :attempt AND (tell LIKE :kind OR whole LIKE :kind)"  # noqa: S608  our own words
    tx.count(sql, attempt=attempt, at=at.timestamp(), kind=f'%"kind":"{EVENTS}"%')


def begun(tx: Tx, rollout: str, at: float) -> None:
    """Whoever was told that a rollout is not guarded is to be told that now it is."""
    _again(tx, f"{rollout}-0", at)


def _again(tx: Tx, incident: str, at: float) -> None:
    sql = f"UPDATE telling SET {AGAIN} WHERE incident = :incident"  # noqa: S608  our own words
    tx.count(sql, at=at, incident=incident)


def _once(tx: Tx, incident: str, rollout: str, tells: Sequence[Tell], at: float) -> None:
    for tell in tells:
        _row(tx, incident, rollout, 0, tell, at, urgent=False, known="DO NOTHING")


class SqlTellings:
    """Tellings."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def want(
        self, incident: str, rollout: str, tells: Sequence[Tell] | None, at: datetime, *, once: bool = False
    ) -> None:
        """Somebody is to be told of what belongs to no attempt; None: whoever was told, once more.

        With `once` whoever was told of it, or is to be, is not told again.
        """
        if once:
            await self._engine.write(lambda tx: _once(tx, incident, rollout, tells or (), at.timestamp()))
        elif tells is None:
            await self._engine.write(lambda tx: _again(tx, incident, at.timestamp()))
        else:
            await self._engine.write(lambda tx: want(tx, incident, rollout, 0, tells, at, urgent=True))

    async def due(
        self, at: datetime, until: datetime, most: int = 100, busy: Collection[int] = ()
    ) -> list[Telling]:
        """Who is to be told now, one for each `Tell` but those being told; nobody else gets them before `until`."""
        return await self._engine.write(lambda tx: _due(tx, at, until, most, busy))

    async def set_back(self, by: timedelta) -> None:
        """The clock was set back by so much: who waits to be told waits no longer for that."""
        sql = "UPDATE telling SET due_at = due_at - :by WHERE wanted > sent"
        await self._engine.write(lambda tx: tx.count(sql, by=by.total_seconds()))

    async def told(self, telling: Telling, told: TellResult, at: datetime) -> None:
        """The result."""
        await self._engine.write(lambda tx: _told(tx, telling, told, at.timestamp()))


def _due(tx: Tx, at: datetime, until: datetime, most: int, busy: Collection[int]) -> list[Telling]:
    """The urgent before the others, and of these the one that waits longest."""
    told = f"SELECT tell FROM telling WHERE id IN ({tx.listed})"  # noqa: S608  our own words
    waits = f"wanted > sent AND due_at <= :at AND tell NOT IN ({told})"
    first = (
        "SELECT id, ROW_NUMBER() OVER (PARTITION BY tell ORDER BY urgent DESC, due_at, id) AS place"  # noqa: S608  our own words
        f" FROM telling WHERE {waits}"
    )
    sql = (
        f"SELECT * FROM telling WHERE id IN (SELECT id FROM ({first}) AS waiting WHERE place = 1) AND {waits}"  # noqa: S608
    )
    sql = f"{sql} ORDER BY urgent DESC, due_at, id LIMIT :most {tx.skip_locked}"
    rows = tx.rows(sql, at=at.timestamp(), most=most, listed=json.dumps(list(busy)))
    for row in rows:
        tx.count("UPDATE telling SET due_at = :until WHERE id = :id", until=until.timestamp(), id=row["id"])
    return [telling for row in rows if (telling := _telling(tx, row)) is not None]


def _telling(tx: Tx, row: Row) -> Telling | None:
    """The row in our words; one that cannot be read is given up alone."""
    try:
        tell = _tell(row)
    except ValidationError:
        sql = "UPDATE telling SET sent = wanted, problem = :problem WHERE id = :id"
        tx.count(sql, problem=UNREAD, id=row["id"])
        log.exception("telling %s of %s cannot be read; it is given up", row["id"], row["incident"])
        return None
    untold = tx.rows(
        "SELECT tell, whole, problem, elsewhere_at FROM telling"
        " WHERE incident = :incident AND id <> :id AND elsewhere_at > 0 AND problem <> :unread"
        " ORDER BY elsewhere_at, id",
        incident=row["incident"],
        id=row["id"],
        unread=UNREAD,
    )
    return Telling(
        id=row["id"],
        incident=row["incident"],
        rollout=row["rollout"],
        attempt=row["attempt"],
        tell=tell,
        receipt=row["receipt"],
        version=row["wanted"],
        tries=row["tries"],
        opens=row["opened"] > row["sent"] or not row["receipt"],
        elsewhere=row["elsewhere_at"] > 0,
        untold=tuple(Untold(_tell(one), one["problem"], instant(one["elsewhere_at"])) for one in untold),
    )


def _tell(row: Row) -> Tell:
    return TELL.validate_json(row["whole"] or row["tell"])


def _told(tx: Tx, telling: Telling, told: TellResult, at: float) -> None:
    if told.only_opened:
        sql = (
            "UPDATE telling SET receipt = :receipt,"
            " opened = CASE WHEN opened > :version THEN opened ELSE 0 END WHERE id = :id"
        )
        tx.count(sql, receipt=told.receipt, version=telling.version, id=telling.id)
        return
    over = not told.problem or told.again_at is None
    tx.count(
        "UPDATE telling SET receipt = :receipt, problem = :problem,"
        " tries = CASE WHEN :problem = '' THEN 0 ELSE tries + 1 END,"
        " sent = CASE WHEN :over = 1 THEN :version ELSE sent END,"
        " elsewhere_at = CASE WHEN :problem = '' THEN 0 WHEN :elsewhere = 1 THEN :at ELSE elsewhere_at END,"
        " due_at = CASE WHEN wanted > :version THEN :at WHEN :over = 1 THEN due_at ELSE :again END WHERE id = :id",
        receipt=told.receipt,
        problem=told.problem,
        over=int(over),
        version=telling.version,
        elsewhere=int(told.elsewhere is not None),
        at=at,
        again=told.again_at.timestamp() if told.again_at else 0.0,
        id=telling.id,
    )
    if told.elsewhere is not None:
        _instead(tx, telling, told.elsewhere, at)


def _instead(tx: Tx, telling: Telling, tells: Sequence[Tell], at: float) -> None:
    """Others hear of it because these cannot be told; who hears of it anyway, hears that these do not."""
    for tell in tells:
        _row(
            tx, telling.incident, telling.rollout, telling.attempt, tell, at, urgent=True, known="DO NOTHING"
        )
    sql = f"UPDATE telling SET {AGAIN} WHERE incident = :incident AND id <> :id AND problem = '' AND sent > 0"  # noqa: S608
    tx.count(sql, at=at, incident=telling.incident, id=telling.id)
