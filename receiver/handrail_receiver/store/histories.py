"""Rows of one rollout → History; Decision → rows. Both ways in one place, because they must agree."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from handrail.contract import names, on_each_node

from handrail_receiver.errors import UNREADABLE
from handrail_receiver.model import (
    QUIET,
    Adopt,
    Approved,
    Attempt,
    AttemptState,
    BeforeFirst,
    Begin,
    Capture,
    Change,
    Checked,
    Decision,
    EndAll,
    Heard,
    History,
    IncidentEvent,
    LastSaid,
    LeftToPeople,
    NeedsSomebody,
    Note,
    Once,
    Open,
    SetHold,
    SetReady,
    SetState,
    Verdict,
    attempt_spoken_of,
    incident_id,
)
from handrail_receiver.store.before_first import attempt_0, before_first, said_in
from handrail_receiver.store.captured_rows import capture, captured_of
from handrail_receiver.store.chain import link
from handrail_receiver.store.engine import Row, Tx
from handrail_receiver.store.gate_rows import approve, approved_in, check, checked_in
from handrail_receiver.store.incident_rows import happens, needs_people, open_in
from handrail_receiver.store.outbox import begun, changed, life_begins, lives_on, want
from handrail_receiver.store.rows import IS_OPEN, attempt_of, instant, pinned_json, run_or_failed, step_json

log = logging.getLogger("handrail")
DAY = timedelta(days=1)
RUNS = "SELECT run.*, attempt.rollout, attempt.fence FROM run JOIN attempt ON attempt.id = run.attempt"


NEWEST = "SELECT * FROM attempt WHERE rollout = :rollout AND number > 0 ORDER BY number DESC LIMIT 1"
OPEN_BEFORE = (
    "SELECT DISTINCT attempt.id FROM attempt JOIN run ON run.attempt = attempt.id"  # noqa: S608  our own words
    f" WHERE attempt.rollout = :rollout AND {IS_OPEN}"
)
NUMBERED = "SELECT * FROM attempt WHERE rollout = :rollout AND number = :number AND number > 0"


def history_of(
    tx: Tx, rollout: str, at: datetime, *, own: bool = False, number: int | None = None
) -> History:
    """What was done and said in the newest attempt of a rollout, or in attempt `number`.

    With `own` nobody else can change it until the commit, nor what the attempts of its service have done.
    """
    if own:
        tx.lock(f"attempt:{rollout}")
    if number is None:
        rows = tx.rows(NEWEST, rollout=rollout)
    else:
        rows = tx.rows(NUMBERED, rollout=rollout, number=number)
    attempt = attempt_of(rows[0]) if rows else None
    spoken_of = attempt_spoken_of(attempt)
    gate = History(checked=checked_in(tx, rollout, spoken_of), approved=approved_in(tx, rollout, spoken_of))
    if attempt is None:
        return before_first(tx, rollout, gate) if number is None else gate
    if own:
        tx.lock(f"service:{attempt.service}")
    return _of_attempt(tx, attempt, gate, at)


def readable_history(tx: Tx, rollout: str, at: datetime) -> History:
    """The same, ours until the commit; one that says why where it cannot be read."""
    try:
        return history_of(tx, rollout, at, own=True)
    except UNREADABLE as error:
        return History(unreadable=" ".join(f"{type(error).__name__}: {error}".split())[:200])


def current(tx: Tx) -> list[Attempt]:
    """The newest attempt of each rollout, where that is live or rolled back; one that cannot be read is left out."""
    rows = tx.rows(
        "SELECT * FROM attempt WHERE state IN ('active', 'finishing', 'rolling-back', 'rolled-back')"
        " AND number = (SELECT MAX(number) FROM attempt other WHERE other.rollout = attempt.rollout) ORDER BY rollout"
    )
    attempts: list[Attempt] = []
    for row in rows:
        try:
            attempts.append(attempt_of(row))
        except UNREADABLE as error:
            log.warning("the attempt of %s cannot be read: %s", row["rollout"], " ".join(str(error).split()))
    return attempts


def _of_attempt(tx: Tx, attempt: Attempt, gate: History, at: datetime) -> History:
    """`gate` with what was done and said in `attempt`."""
    effects: dict[int, list[Row]] = {}
    for row in tx.rows(
        "SELECT effect.* FROM effect JOIN run ON run.id = effect.run WHERE run.attempt = :id ORDER BY run, position",
        id=attempt.id,
    ):
        effects.setdefault(row["run"], []).append(row)
    runs = tx.rows(f"{RUNS} WHERE run.attempt = :id ORDER BY run.id", id=attempt.id)
    once = tx.rows("SELECT name, at FROM once WHERE attempt = :id", id=attempt.id)
    return replace(
        gate,
        attempt=attempt,
        runs=tuple(run_or_failed(row, effects.get(row["id"], [])) for row in runs),
        said=said_in(tx, attempt.id),
        captured=captured_of(tx, attempt.id),
        automatic_today=_automatic(tx, attempt.service, attempt.id, at),
        once={row["name"]: instant(row["at"]) for row in once},
        incidents=open_in(tx, attempt.rollout),
    )


def _automatic(tx: Tx, service: str, but: int, at: datetime) -> int:
    """Other attempts of a service that were rolled back by themselves within a day.

    What waited to be confirmed and was superseded has not begun: it has no text, which says by what it was confirmed.
    """
    rows = tx.rows(
        "SELECT COUNT(DISTINCT run.attempt) AS found FROM run JOIN attempt ON attempt.id = run.attempt"
        " WHERE run.action LIKE '%rollback' AND run.asked_by = 'alert' AND attempt.service = :service"
        " AND run.decided_at > :since AND run.attempt <> :but AND run.state NOT IN ('withdrawn', 'waiting')"
        " AND (run.state <> 'superseded' OR run.confirmation IS NULL OR run.text <> '')",
        service=service,
        since=(at - DAY).timestamp(),
        but=but,
    )
    return int(rows[0]["found"])


def after(history: History, changes: Iterable[Change], at: datetime) -> History | None:
    """A history once `changes` are carried into the rows; None where it has to be read again to know."""
    attempt, heard = history.attempt, dict[str, LastSaid]()
    for change in changes:
        match change:
            case SetHold(why, by) if attempt is not None:
                attempt = replace(attempt, held=why, held_by=by)
            case Heard(series, source, firing, origin, began):
                heard[series] = LastSaid(series, source, firing, at, origin, began)
            case _:
                return None
    said = (one for one in history.said if one.series not in heard)
    return replace(history, attempt=attempt, said=(*said, *heard.values()))


def apply(tx: Tx, decision: Decision, at: datetime, detected_at: datetime) -> Decision:
    """Carry a decision into the rows, with its evidence. Gives it back with the attempt it belongs to."""
    attempt = decision.attempt
    for change in decision.changes:
        attempt = _change(tx, decision, change, attempt, at, detected_at)
    if decision.verdict not in QUIET and decision.rollout:
        link(tx, decision.rollout, "decision", _record(decision, attempt), at)
    if decision.tell:
        incident, urgent = incident_id(decision.rollout, attempt), decision.verdict == Verdict.act
        want(tx, incident, decision.rollout, attempt, decision.tell, at, urgent=urgent)
    elif attempt and any(map(_calms, decision.changes)):
        changed(tx, attempt, at)
    elif attempt and any(map(_is_event, decision.changes)):
        lives_on(tx, attempt, at)
    return decision if attempt == decision.attempt else replace(decision, attempt=attempt)


def _calms(change: Change) -> bool:
    """Whether people hear that an incident stands otherwise: an alert stopped, a hold is over, somebody has it or closed it."""
    stopped = isinstance(change, Heard) and not change.firing
    said = isinstance(change, Note) and change.event in {IncidentEvent.acknowledged, IncidentEvent.closed}
    return stopped or said or change in (SetHold(""), SetState(AttemptState.abandoned))


def _is_event(change: Change) -> bool:
    """Whether those hear of it who count deliveries, and nobody else: an attempt ended, an incident is another."""
    return isinstance(change, SetState | Note | NeedsSomebody)


def _record(decision: Decision, attempt: int) -> dict[str, object]:
    return {
        "verdict": decision.verdict.value,
        "reason": decision.reason,
        "text": decision.text,
        "action": decision.action,
        "guardrail": decision.guardrail,
        "tier": decision.tier,
        "by": decision.by,
        "attempt": attempt,
        **decision.known,
    }


def _change(
    tx: Tx, decision: Decision, change: Change, attempt: int, at: datetime, detected_at: datetime
) -> int:
    now = at.timestamp()
    match change:
        case Begin() | BeforeFirst():
            return _row(tx, decision, change, now)
        case Adopt():
            _adopt(tx, change, attempt)
        case Capture(captured):
            capture(tx, attempt, captured)
        case EndAll():
            _end(tx, attempt, "action <> ''", now)
        case SetHold(why, by):
            sql = "UPDATE attempt SET held = :why, held_by = :by WHERE id = :id"
            tx.count(sql, why=why, by=by, id=attempt)
        case Once(name, other):
            sql = "INSERT INTO once (attempt, name, at) VALUES (:id, :name, :now) ON CONFLICT DO NOTHING"
            tx.count(sql, id=other or attempt, name=name, now=now)
        case Note() | LeftToPeople() | NeedsSomebody():
            _of_incident(tx, decision, change, attempt, at)
        case SetReady(why):
            tx.count("UPDATE attempt SET rollback_ready = :why WHERE id = :id", why=why, id=attempt)
        case SetState(state):
            tx.count("UPDATE attempt SET state = :state WHERE id = :id", state=state.value, id=attempt)
        case Heard(series, source, firing, origin, began):
            tx.count(
                "INSERT INTO said (attempt, series, source, firing, at, origin, began)"
                " VALUES (:attempt, :series, :source, :firing, :at, :origin, :began)"
                " ON CONFLICT (attempt, series) DO UPDATE"
                " SET firing = excluded.firing, at = excluded.at, origin = excluded.origin, began = excluded.began",
                attempt=attempt,
                series=series,
                source=source,
                firing=int(firing),
                at=now,
                origin=origin,
                began=began.timestamp() if began else 0.0,
            )
        case Open():
            _open(tx, decision, change, attempt, at, detected_at)
        case Checked():
            check(tx, decision.rollout, change)
        case Approved():
            approve(tx, decision.rollout, change)
    return attempt


def _of_incident(
    tx: Tx, decision: Decision, change: Note | LeftToPeople | NeedsSomebody, attempt: int, at: datetime
) -> None:
    if isinstance(change, Note):
        happens(tx, decision.rollout, change.attempt, change.event, decision.by, change.text, change.said, at)
        return
    of = change.attempt if isinstance(change, LeftToPeople) and change.attempt else attempt
    source = _source(decision)
    wakes = change.severity if isinstance(change, NeedsSomebody) else None
    asks = needs_people(
        tx, decision.rollout, of, change.action, decision.by, change.trigger, source, at, wakes=wakes
    )
    if wakes is not None:  # whatever else follows from it, who was told of the incident hears that it is open
        changed(tx, of, at, opened=asks)


def _row(tx: Tx, decision: Decision, change: Begin | BeforeFirst, now: float) -> int:
    """The row under which what follows is kept."""
    if isinstance(change, Begin):
        return _begin(tx, decision, change, now)
    return attempt_0(tx, decision.rollout, change.service, now)


def _begin(tx: Tx, decision: Decision, begin: Begin, now: float) -> int:
    """A new attempt. What is open in those before ends, whether they can be read or not: it was asked for about them."""
    tx.lock(f"attempt:{decision.rollout}")
    for row in tx.rows(OPEN_BEFORE, rollout=decision.rollout):
        _end(tx, row["id"], "action <> ''", now)
    rows = tx.rows(
        "INSERT INTO attempt (rollout, service, number, state, stage, stage_entered_at, started_at, started_by,"
        " pinned, rollback_ready, playbook)"
        " SELECT :rollout, :service, COALESCE(MAX(number), 0) + 1, 'active', :stage, :now, :now, :by, :pinned, :ready,"
        " :playbook"
        " FROM attempt WHERE rollout = :rollout RETURNING id",
        rollout=decision.rollout,
        service=begin.service,
        stage=begin.stage,
        now=now,
        by=decision.by,
        pinned=pinned_json(begin.pinned),
        ready=begin.rollback_ready,
        playbook=begin.playbook.model_dump_json() if begin.playbook else "",
    )
    attempt = int(rows[0]["id"])
    capture(tx, attempt, begin.captured)
    begun(tx, decision.rollout, now)
    if begin.playbook is not None:
        incident = incident_id(decision.rollout, attempt)
        life_begins(tx, incident, decision.rollout, attempt, begin.playbook, now)
    return attempt


def _adopt(tx: Tx, adopt: Adopt, attempt: int) -> None:
    tx.count(
        "UPDATE attempt SET playbook = :playbook, pinned = :pinned, rollback_ready = :ready WHERE id = :id",
        playbook=adopt.playbook.model_dump_json(),
        pinned=pinned_json(adopt.pinned),
        ready=adopt.rollback_ready,
        id=attempt,
    )


def _open(tx: Tx, decision: Decision, run: Open, attempt: int, at: datetime, detected_at: datetime) -> None:
    """The constraint decides: when the run exists already, nothing happens."""
    now = at.timestamp()
    made = tx.rows(
        "INSERT INTO run (attempt, action, key, round, state, asked_by, reason, detected_at, decided_at, due_at,"
        " proof, confirmation)"
        " VALUES (:attempt, :action, :key, :round, :state, :by, :reason, :detected, :now, :due, :proof, :confirmation)"
        " ON CONFLICT (attempt, action, key, round) DO NOTHING RETURNING id",
        attempt=attempt,
        action=run.action,
        key=run.key,
        round=run.round,
        state="waiting" if run.confirmation else "open",
        by=run.by or decision.by,
        reason=decision.text,
        detected=detected_at.timestamp(),
        now=now,
        due=run.due_at.timestamp(),
        proof=run.proof.model_dump_json() if run.proof else None,
        confirmation=run.confirmation.model_dump_json() if run.confirmation else None,
    )
    if not made:
        return
    for position, step in enumerate(on_each_node(run.steps)):
        tx.count(
            "INSERT INTO effect (run, position, step, state, at) VALUES (:run, :position, :step, 'intended', :at)",
            run=made[0]["id"],
            position=position,
            step=step_json(step),
            at=now,
        )
    if run.supersedes:
        end_others(tx, attempt, made[0]["id"], run.action, now)
    if run.action in names.ACTING and run.confirmation is None:
        source, by = _source(decision), run.by or decision.by
        needs_people(tx, decision.rollout, attempt, run.action, by, decision.text, source, at)


def _source(decision: Decision) -> str:
    """The alert that it follows from, as guardrail/tier; empty where none does."""
    return f"{decision.guardrail}/{decision.tier}" if decision.guardrail else ""


def end_others(tx: Tx, attempt: int, but: int, action: str, now: float) -> None:
    """An action begins: what enters a stage ends, and other runs of the same action; a stronger one goes first."""
    _end(
        tx,
        attempt,
        "(action = :action OR action IN ('start', 'promote', 'reduce'))",
        now,
        but=but,
        action=action,
    )


def _end(tx: Tx, attempt: int, which: str, now: float, *, but: int = 0, **values: object) -> None:
    """End open runs of an attempt. Whoever works on it loses the lease at once, and begins what is left again."""
    other = f"attempt = :attempt AND id <> :but AND {IS_OPEN}"
    going_on = tx.rows(f"SELECT id FROM run WHERE {other} AND state <> 'waiting'", attempt=attempt, but=but)  # noqa: S608
    sql = f"UPDATE run SET state = 'superseded', finished_at = :now WHERE {other} AND {which}"  # noqa: S608
    tx.count(sql, attempt=attempt, but=but, now=now, **values)
    if going_on:
        sql = "UPDATE attempt SET fence = fence + 1, owner = NULL, leased_until = 0 WHERE id = :id"
        tx.count(sql, id=attempt)
