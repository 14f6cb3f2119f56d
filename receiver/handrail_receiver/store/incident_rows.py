"""Incidents ↔ rows: an event is a record of the evidence, and a row says which incidents are open."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from handrail.contract import Playbook, names

from handrail_receiver.errors import UNREADABLE
from handrail_receiver.model import (
    INCIDENT,
    Attempt,
    Happened,
    Incident,
    IncidentEvent,
    incident_id,
    incidents_of,
    opened,
)
from handrail_receiver.store.chain import link, record_of
from handrail_receiver.store.engine import Engine, Row, Tx
from handrail_receiver.store.rows import NEVER_BEGAN, attempt_of, instant

log = logging.getLogger("handrail")
RECORDS = f"SELECT * FROM evidence WHERE rollout = :rollout AND kind = '{INCIDENT}' ORDER BY number"  # noqa: S608  our own word
ROWS = "SELECT * FROM incident WHERE rollout = :rollout ORDER BY opened_at, attempt"
OPEN_ROWS = (
    "SELECT * FROM incident WHERE rollout = :rollout AND closed_at IS NULL ORDER BY opened_at, attempt"
)
FIRST_RUN = (
    "SELECT action, asked_by, reason FROM run WHERE attempt = :attempt AND action = 'security-rollback'"  # noqa: S608  our own words
    f" AND NOT {NEVER_BEGAN} ORDER BY id LIMIT 1"
)

THROUGH = (
    "SELECT id FROM run WHERE attempt = :attempt AND action LIKE '%rollback' AND state IN ('done', 'proved')"
    " AND finished_at > :since LIMIT 1"
)


class SqlIncidents:
    """All incidents, open and closed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def open(self) -> list[Incident]:
        """Those that nobody has closed yet, of all rollouts, by rollout and the oldest first."""
        which = "SELECT DISTINCT rollout FROM incident WHERE closed_at IS NULL ORDER BY rollout"

        def work(tx: Tx) -> list[Incident]:
            return [one for row in tx.rows(which) for one in _readable(tx, row["rollout"], OPEN_ROWS)]

        return await self._engine.read(work)

    async def open_since(self, since: datetime) -> list[Incident]:
        """Those that were open at an instant or later, of all rollouts: also those that were closed by now."""
        which = "SELECT DISTINCT rollout FROM incident WHERE closed_at IS NULL OR closed_at >= :since ORDER BY rollout"
        those = (
            "SELECT * FROM incident WHERE rollout = :rollout AND (closed_at IS NULL OR closed_at >= :since)"
        )

        def work(tx: Tx) -> list[Incident]:
            at = since.timestamp()
            rollouts = [row["rollout"] for row in tx.rows(which, since=at)]
            return [one for name in rollouts for one in _readable(tx, name, those, since=at)]

        return await self._engine.read(work)

    async def of(self, rollout: str) -> list[Incident]:
        """All of a rollout, the newest first."""
        return await self._engine.read(
            lambda tx: list(reversed(_of(tx, rollout, tx.rows(ROWS, rollout=rollout))))
        )

    async def between(self, since: datetime, until: datetime) -> list[Incident]:
        """Those of all rollouts that were opened from an instant on and before another, the oldest first."""
        which = "SELECT DISTINCT rollout FROM incident WHERE opened_at >= :since AND opened_at < :until"

        def work(tx: Tx) -> list[Incident]:
            rollouts = tx.rows(which, since=since.timestamp(), until=until.timestamp())
            every = (_readable(tx, row["rollout"], ROWS) for row in rollouts)
            return sorted(
                (one for some in every for one in some if since <= one.opened < until),
                key=lambda one: (one.opened, one.id),
            )

        return await self._engine.read(work)


def open_in(tx: Tx, rollout: str) -> tuple[Incident, ...]:
    """The incidents of a rollout that nobody has closed yet, the oldest first."""
    rows = tx.rows(OPEN_ROWS, rollout=rollout)
    return _of(tx, rollout, rows) if rows else ()


def _readable(tx: Tx, rollout: str, sql: str, **values: object) -> tuple[Incident, ...]:
    """Those of one rollout among all; what cannot be read is logged, left out, and holds up no other rollout's."""
    try:
        return _of(tx, rollout, tx.rows(sql, rollout=rollout, **values))
    except UNREADABLE as error:
        log.warning("the incidents of %s cannot be read: %s", rollout, " ".join(str(error).split()))
        return ()


def _of(tx: Tx, rollout: str, rows: Sequence[Row]) -> tuple[Incident, ...]:
    """The incidents of these rows, as the evidence tells of them."""
    records = [record_of(row) for row in tx.rows(RECORDS, rollout=rollout)]
    told = {one.attempt for one in incidents_of(records)}
    before = [_from_before(tx, row) for row in rows if row["attempt"] not in told]
    wanted = {row["attempt"] for row in rows}
    return tuple(one for one in incidents_of(records, before) if one.attempt in wanted)


def _from_before(tx: Tx, row: Row) -> Incident:
    """One that was opened before the evidence told of incidents: its beginning is read from its rollback."""
    number = tx.rows("SELECT number FROM attempt WHERE id = :id", id=row["attempt"])[0]["number"]
    run = (
        *tx.rows(FIRST_RUN, attempt=row["attempt"]),
        {"action": names.ACTING[-1], "asked_by": "", "reason": ""},
    )[0]
    said = {"action": run["action"], "number": number}
    happened = Happened(instant(row["opened_at"]), IncidentEvent.opened, run["asked_by"], run["reason"], said)
    return opened(row["rollout"], row["attempt"], happened)


def needs_people(
    tx: Tx,
    rollout: str,
    attempt: int,
    action: str,
    by: str,
    trigger: str,
    source: str,
    at: datetime,
    *,
    wakes: str | None = None,
) -> bool:
    """A rollback of an attempt begins, or an alert that wakes people: that opens its incident, makes it more severe, or opens it again.

    `wakes` is the severity of an alert that wakes people: where somebody has the incident already, or a rollback got
    through since it was asked for, people are asked again. Gives whether they are asked.
    """
    rows = tx.rows("SELECT * FROM incident WHERE attempt = :attempt", attempt=attempt)
    if not rows:
        _opens(tx, rollout, attempt, at)
        event = IncidentEvent.opened
    elif rows[0]["closed_at"] is not None:
        tx.count("UPDATE incident SET closed_at = NULL WHERE attempt = :attempt", attempt=attempt)
        event = IncidentEvent.reopened
    else:
        known = next(one for one in _of(tx, rollout, rows))
        graver = names.ACTIONS.index(action) > names.ACTIONS.index(known.action)
        had = known.acknowledged is not None or _got_through(tx, attempt, known.asked)
        if not graver and (wakes is None or not had):
            return False
        event = IncidentEvent.graver if graver else IncidentEvent.more
    said = {"action": action, "source": source, **_facts(tx, attempt, action, source)}
    if wakes:
        said["severity"] = wakes
    happens(tx, rollout, attempt, event, by, trigger, said, at)
    return True


def _got_through(tx: Tx, attempt: int, since: datetime) -> bool:
    """Whether a rollback of an attempt was done since: what is told of it is over by that."""
    rows = tx.rows(THROUGH, attempt=attempt, since=since.timestamp())
    return bool(rows)


def _opens(tx: Tx, rollout: str, attempt: int, at: datetime) -> None:
    tx.count(
        "INSERT INTO incident (attempt, rollout, opened_at) VALUES (:attempt, :rollout, :at)",
        attempt=attempt,
        rollout=rollout,
        at=at.timestamp(),
    )


def rollback_failed(tx: Tx, rollout: str, attempt: int, text: str, at: datetime) -> None:
    """A rollback did not get through: people are asked to acknowledge that as well, once."""
    rows = tx.rows("SELECT * FROM incident WHERE attempt = :attempt AND closed_at IS NULL", attempt=attempt)
    known = next(iter(_of(tx, rollout, rows)), None) if rows else None
    if known is None:
        return
    since = [one.event for one in known.events if one.at >= known.asked]
    if IncidentEvent.failed not in since:
        happens(tx, rollout, attempt, IncidentEvent.failed, "handrail", text, {}, at)


def happens(
    tx: Tx,
    rollout: str,
    attempt: int,
    event: IncidentEvent,
    by: str,
    text: str,
    said: Mapping[str, object],
    at: datetime,
) -> None:
    """Something happens to an incident: a record of the evidence, and its row, where it is over now.

    An impact is kept once, whoever else computed it.
    """
    if event is IncidentEvent.impact and _has_impact(tx, rollout, attempt):
        return
    body = {**said, "event": event.value, "incident": incident_id(rollout, attempt), "attempt": attempt}
    link(tx, rollout, INCIDENT, {**body, "by": by, "text": text}, at)
    if event is IncidentEvent.closed:
        sql = "UPDATE incident SET closed_at = :at WHERE attempt = :attempt"
        tx.count(sql, at=at.timestamp(), attempt=attempt)


def _has_impact(tx: Tx, rollout: str, attempt: int) -> bool:
    rows = tx.rows("SELECT * FROM incident WHERE attempt = :attempt", attempt=attempt)
    return any(one.impact is not None for one in _of(tx, rollout, rows))


def _facts(tx: Tx, attempt: int, action: str, source: str) -> dict[str, object]:
    """The attempt's number and stage, and what its rollout calls the severity; without what cannot be read."""
    row = tx.rows("SELECT * FROM attempt WHERE id = :id", id=attempt)[0]
    facts: dict[str, object] = {"number": row["number"], "stage": row["stage"]}
    if row["number"] == 0:
        return facts
    try:
        own: Attempt = attempt_of(row)
    except UNREADABLE as error:
        log.warning("the attempt of %s cannot be read: %s", row["rollout"], " ".join(str(error).split()))
        return facts
    return facts | {"severity": _severity(own.playbook, action, source) if own.playbook else ""}


def _severity(playbook: Playbook, action: str, source: str) -> str:
    """That of the alert that asked for it; where none did, that of the tiers that would."""
    guardrail, _, tier = source.rpartition("/")
    known = playbook.tier(guardrail, tier)
    if known is not None:
        return known.severity
    alike = (one.severity for facts in playbook.guardrails for one in facts.tiers if one.action == action)
    return next(alike, "")
