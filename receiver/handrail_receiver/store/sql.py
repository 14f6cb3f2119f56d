"""An Engine → the ports of a store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from handrail.contract import names, target_of, value_of

from handrail_receiver.errors import UNREADABLE, LeaseLost
from handrail_receiver.model import (
    BROKEN,
    GOES_FORWARD,
    OPEN,
    SET_BACK,
    Attempt,
    AttemptState,
    Decision,
    EffectState,
    History,
    Progress,
    Run,
    RunState,
    held_for_both,
    incident_id,
)
from handrail_receiver.store.archive import SqlArchive
from handrail_receiver.store.chain import link
from handrail_receiver.store.engine import Engine, Tx
from handrail_receiver.store.evidence import SqlEvidence
from handrail_receiver.store.histories import (
    RUNS,
    apply,
    current,
    end_others,
    history_of,
    readable_history,
)
from handrail_receiver.store.inbox import SqlDeliveries, SqlInbox
from handrail_receiver.store.incident_rows import SqlIncidents, needs_people, rollback_failed
from handrail_receiver.store.outbox import SqlTellings, changed, want
from handrail_receiver.store.past_attempts import SqlPast
from handrail_receiver.store.retention import SqlRetention
from handrail_receiver.store.rows import IS_OPEN, effect_of, instant, run_of, seconds, step_json, step_of
from handrail_receiver.store.settling import settles_at
from handrail_receiver.store.snapshots import SqlSnapshots
from handrail_receiver.words.steps import what

log = logging.getLogger("handrail")
DUE = "(run.due_at <= :at OR run.decided_at > :at + :set_back)"
"""A run that was decided before the clock was set back is due: nobody waits for that time to come again."""


class SqlAttempts:
    """Attempts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def apply(self, rollout: str, decide: Callable[[History], Decision], at: datetime) -> Decision:
        """Decide on the history of a rollout and carry the decision into the store."""

        def work(tx: Tx) -> Decision:
            return apply(tx, decide(readable_history(tx, rollout, at)), at, at)

        return await self._engine.write(work)

    async def history(self, rollout: str, at: datetime) -> History:
        """What was done and said in the newest attempt."""
        return await self._engine.read(lambda tx: history_of(tx, rollout, at))

    async def current(self) -> list[Attempt]:
        """The newest attempt of each rollout, where that is live or rolled back."""
        return await self._engine.read(current)


class SqlRuns:
    """Runs. How long a lease lasts is measured by the database's own clock, which all receivers share."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def lease(self, owner: str, at: datetime, ttl: timedelta) -> list[Run]:
        """The runs that are due now and that nobody else works on."""
        return await self._engine.write(lambda tx: _lease(tx, owner, at.timestamp(), ttl.total_seconds()))

    async def record(self, run: Run, progress: Progress, at: datetime) -> None:
        """Note the result of a run."""
        await self._engine.write(lambda tx: _record(tx, run, progress, at))

    async def renew(self, run: Run, ttl: timedelta) -> None:
        """Stay the one who works on it."""

        def work(tx: Tx) -> None:
            _fenced(tx, run)
            tx.count(
                "UPDATE attempt SET leased_until = database_clock() + :ttl WHERE id = :id",
                ttl=ttl.total_seconds(),
                id=run.attempt,
            )

        await self._engine.write(work)


class SqlFence:
    """Fence."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def hold(self, run: Run) -> None:
        """Let nobody act who may not any more."""
        await self._engine.read(lambda tx: _fenced(tx, run, in_time=True))

    async def settles_at(self, run: Run) -> datetime | None:
        """When nothing can land any more that would undo what it does."""
        return await self._engine.read(lambda tx: settles_at(tx, run))


def _lease(tx: Tx, owner: str, at: float, ttl: float) -> list[Run]:
    free = tx.rows(
        "SELECT DISTINCT attempt.id, attempt.owner FROM attempt JOIN run ON run.attempt = attempt.id"  # noqa: S608  our own words
        f" WHERE {IS_OPEN} AND {DUE}"
        " AND (attempt.owner IS NULL OR attempt.owner = :owner OR attempt.leased_until < database_clock())",
        at=at,
        set_back=SET_BACK.total_seconds(),
        owner=owner,
    )
    runs: list[Run] = []
    for row in free:
        mine = row["owner"] == owner
        taken = tx.count(
            "UPDATE attempt SET owner = :owner, leased_until = database_clock() + :ttl, fence = fence + :step"
            " WHERE id = :id AND (owner IS NULL OR owner = :owner OR leased_until < database_clock())",
            owner=owner,
            ttl=ttl,
            step=0 if mine else 1,
            id=row["id"],
        )
        if taken:
            runs += _due(tx, row["id"], at)
    return runs


def _due(tx: Tx, attempt: int, at: float) -> list[Run]:
    """The open runs of an attempt that are due; one that cannot be read is left out, and holds up nobody else."""
    due = f"{RUNS} WHERE run.attempt = :id AND {IS_OPEN} AND {DUE}"
    runs: list[Run] = []
    for row in tx.rows(f"{due} ORDER BY run.id", id=attempt, at=at, set_back=SET_BACK.total_seconds()):
        effects = tx.rows("SELECT * FROM effect WHERE run = :id ORDER BY position", id=row["id"])
        try:
            runs.append(_left_to_stronger(tx, run_of(row, list(map(effect_of, effects)))))
        except UNREADABLE as error:
            said = " ".join(str(error).split())
            log.warning("%s of %s cannot be read: %s", row["action"], row["rollout"], said)
    return runs


def _left_to_stronger(tx: Tx, run: Run) -> Run:
    """A run without the steps that want something else of a target than a stronger action of its attempt does."""
    if run.action not in names.ACTING:
        return run
    stronger = names.ACTING[names.ACTING.index(run.action) + 1 :]
    rows = tx.rows(
        "SELECT run.action, effect.step FROM run JOIN effect ON effect.run = run.id WHERE run.attempt = :id"
        " AND run.action LIKE '%rollback'"
        " AND run.state IN ('open', 'proving', 'done', 'proved', 'failed', 'unproved')"
        " ORDER BY run.id, effect.position",
        id=run.attempt,
    )
    theirs: dict[Hashable, Hashable] = {}
    for action in stronger:
        steps = [step_of(row["step"]) for row in rows if row["action"] == action]
        theirs |= {target_of(step): value_of(step) for step in steps}
    effects = (
        replace(effect, state=EffectState.left, found="a stronger action of this attempt decides about it")
        if theirs.get(target_of(effect.step), value_of(effect.step)) != value_of(effect.step)
        else effect
        for effect in run.effects
    )
    return replace(run, effects=tuple(effects))


def _fenced(tx: Tx, run: Run, *, in_time: bool = False) -> None:
    held = tx.rows(
        "SELECT run.state FROM run JOIN attempt ON attempt.id = run.attempt"  # noqa: S608  our own words
        f" WHERE run.id = :id AND attempt.fence = :fence AND {IS_OPEN}"
        " AND (:in_time = 0 OR attempt.leased_until > database_clock())",
        id=run.id,
        fence=run.fence,
        in_time=int(in_time),
    )
    if not held:
        raise LeaseLost(f"{run.action} of {run.rollout} is not ours any more")


def _is_recorded(tx: Tx, run: Run, ended: Progress) -> bool:
    """Whether a run ended just so already: the answer to its commit was lost."""
    sql = "SELECT 1 FROM run WHERE id = :id AND state = :state AND finished_at = :finished"
    return bool(tx.rows(sql, id=run.id, state=ended.state.value, finished=seconds(ended.finished_at)))


def _record(tx: Tx, run: Run, progress: Progress, at: datetime) -> None:
    tx.lock(f"attempt:{run.rollout}")
    if progress.finished_at is not None and _is_recorded(tx, run, progress):
        return
    _fenced(tx, run)
    tx.count(
        "UPDATE run SET state = :state, text = :text, acted_at = COALESCE(:acted, acted_at),"
        " finished_at = :finished WHERE id = :id",
        state=progress.state.value,
        text=progress.text,
        acted=seconds(progress.acted_at),
        finished=seconds(progress.finished_at),
        id=run.id,
    )
    body: dict[str, object] = {
        "action": run.action,
        "key": run.key,
        "round": run.round,
        "attempt": run.attempt,
    }
    if progress.effect is not None:
        effect = progress.effect
        tx.count(
            "UPDATE effect SET state = :state, found = :found, cause = :cause, at = :at"
            " WHERE run = :run AND position = :position",
            state=effect.state.value,
            found=effect.found,
            cause=effect.cause.value if effect.cause else None,
            at=at.timestamp(),
            run=run.id,
            position=effect.position,
        )
        body |= {
            "step": effect.position,
            "kind": effect.step.kind,
            "what": what(effect.step),
            "state": effect.state.value,
            "found": effect.found,
        }
        link(tx, run.rollout, "step", body, at)
        if effect.state == EffectState.failed and progress.finished_at is None:
            changed(tx, run.attempt, at)  # people hear of it at once, and again when the run has ended
    if progress.finished_at is not None:
        _release(tx, run.attempt)
        changed(tx, run.attempt, at)
        link(tx, run.rollout, "outcome", body | _outcome(run, progress), at)
    if progress.stage is not None:
        sql = "UPDATE attempt SET stage = :stage, stage_entered_at = :at WHERE id = :id"
        tx.count(sql, stage=progress.stage, at=at.timestamp(), id=run.attempt)
    if progress.attempt_state is not None:
        if run.state == RunState.waiting:
            end_others(tx, run.attempt, run.id, run.action, at.timestamp())
            needs_people(tx, run.rollout, run.attempt, run.action, run.asked_by, run.reason, run.key, at)
        if progress.attempt_state != AttemptState.rolled_back or _all_rolled_back(tx, run):
            sql = "UPDATE attempt SET state = :state WHERE id = :id"
            tx.count(sql, state=progress.attempt_state.value, id=run.attempt)
    if progress.left:
        why = f"{run.reason}; {progress.text}"
        needs_people(tx, run.rollout, run.attempt, run.action, run.asked_by, why, run.key, at)
    if run.action in names.ACTING and progress.state in BROKEN:
        rollback_failed(tx, run.rollout, run.attempt, f"{run.action} {progress.state}: {progress.text}", at)
    if progress.tell:
        incident = incident_id(run.rollout, run.attempt)
        want(tx, incident, run.rollout, run.attempt, progress.tell, at, urgent=True)
    if progress.hold is not None:
        sql = "UPDATE attempt SET held = :held, held_by = '' WHERE id = :id"
        tx.count(sql, held=_held(tx, run, progress.hold), id=run.attempt)


def _held(tx: Tx, run: Run, why: str) -> str:
    """Why an attempt that goes forward is held from now on: also for what somebody asked while the run went on.

    A reduced share is held for from its beginning, which is no longer true when it fails.
    """
    row = tx.rows("SELECT state, held FROM attempt WHERE id = :id", id=run.attempt)[0]
    if row["state"] not in GOES_FORWARD or not row["held"] or run.action == names.REDUCE:
        return why
    return held_for_both(row["held"], why)


def _all_rolled_back(tx: Tx, run: Run) -> bool:
    """Whether no other rollback of the attempt is open, or has failed with a step that `run` does not have."""
    rows = tx.rows(
        "SELECT run.id, run.action, run.state, effect.step, effect.state AS step_state FROM run"
        " JOIN effect ON effect.run = run.id WHERE run.attempt = :id AND run.action <> :action"
        " AND run.action LIKE '%rollback'"
        " AND run.state IN ('open', 'proving', 'done', 'proved', 'failed', 'unproved') ORDER BY run.id",
        id=run.attempt,
        action=run.action,
    )
    newest = {row["action"]: row["id"] for row in rows}
    mine = {step_json(effect.step) for effect in run.effects}
    return not any(
        row["state"] in OPEN
        or (row["step_state"] in {"failed", "skipped"} and _in_our_words(row["step"]) not in mine)
        for row in rows
        if row["id"] == newest[row["action"]]
    )


def _in_our_words(step: str) -> str:
    """A step as the column holds it, which an older version may have written in other words."""
    return step_json(step_of(step))


def _outcome(run: Run, progress: Progress) -> dict[str, object]:
    """How a run ended, and when it came to what is measured."""
    acted_at = progress.acted_at or run.acted_at
    ended = replace(run, state=progress.state, acted_at=acted_at, finished_at=progress.finished_at)
    instants = {name: at.isoformat() if at else None for name, at in ended.measured.items()}
    return {"outcome": progress.state.value, "text": progress.text, **instants}


def _release(tx: Tx, attempt: int) -> None:
    """Let others work on an attempt of which nothing is open any more."""
    tx.count(
        "UPDATE attempt SET owner = NULL, leased_until = 0 WHERE id = :id AND NOT EXISTS"  # noqa: S608  our own words
        f" (SELECT 1 FROM run WHERE run.attempt = :id AND {IS_OPEN})",
        id=attempt,
    )


class SqlMemory:
    """Memory."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def recall(self, name: str) -> datetime | None:
        """What was remembered last."""
        rows = await self._engine.read(
            lambda tx: tx.rows("SELECT at FROM memory WHERE name = :name", name=name)
        )
        return instant(rows[0]["at"]) if rows else None

    async def time(self) -> datetime:
        """What the database's own clock says."""
        return instant(
            (await self._engine.read(lambda tx: tx.rows("SELECT database_clock() AS now")))[0]["now"]
        )

    async def remember(self, name: str, at: datetime) -> None:
        """Keep an instant."""
        sql = (
            "INSERT INTO memory (name, at) VALUES (:name, :at)"
            " ON CONFLICT (name) DO UPDATE SET at = excluded.at"
        )
        await self._engine.write(lambda tx: tx.count(sql, name=name, at=at.timestamp()))

    async def forget(self, name: str) -> None:
        """Keep it no longer."""
        await self._engine.write(lambda tx: tx.count("DELETE FROM memory WHERE name = :name", name=name))


@dataclass(frozen=True)
class Store:
    """The ports of one store, and its engine to start and close."""

    engine: Engine
    inbox: SqlInbox
    deliveries: SqlDeliveries
    attempts: SqlAttempts
    archive: SqlArchive
    runs: SqlRuns
    fence: SqlFence
    evidence: SqlEvidence
    memory: SqlMemory
    tellings: SqlTellings
    retention: SqlRetention
    snapshots: SqlSnapshots
    past: SqlPast
    incidents: SqlIncidents


def store_on(engine: Engine, inbox_limit: int) -> Store:
    """All ports on one engine."""
    return Store(
        engine,
        SqlInbox(engine, inbox_limit),
        SqlDeliveries(engine),
        SqlAttempts(engine),
        SqlArchive(engine),
        SqlRuns(engine),
        SqlFence(engine),
        SqlEvidence(engine),
        SqlMemory(engine),
        SqlTellings(engine),
        SqlRetention(engine),
        SqlSnapshots(engine),
        SqlPast(engine),
        SqlIncidents(engine),
    )
