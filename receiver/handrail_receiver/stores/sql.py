"""An Engine → the ports of a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from handrail_receiver.errors import LeaseLost
from handrail_receiver.model import (
    Decision,
    EffectState,
    History,
    Progress,
    Run,
    RunState,
)
from handrail_receiver.status.words import what
from handrail_receiver.stores.chain import link
from handrail_receiver.stores.engine import Engine, Tx
from handrail_receiver.stores.evidence import SqlEvidence
from handrail_receiver.stores.histories import RUNS, apply, end_others, history_of
from handrail_receiver.stores.inbox import SqlInbox
from handrail_receiver.stores.retention import SqlRetention
from handrail_receiver.stores.rows import effect_of, instant, run_of, seconds
from handrail_receiver.stores.tellings import SqlTellings, changed, want


class SqlAttempts:
    """Attempts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def apply(self, rollout: str, decide: Callable[[History], Decision], at: datetime) -> Decision:
        """Decide on the history of a rollout and carry the decision into the store."""

        return await self._engine.write(
            lambda tx: apply(tx, decide(history_of(tx, rollout, at, own=True)), at, at)
        )

    async def history(self, rollout: str, at: datetime) -> History:
        """What was done and said in the newest attempt."""
        return await self._engine.read(lambda tx: history_of(tx, rollout, at))


class SqlRuns:
    """Runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def lease(self, owner: str, at: datetime, until: datetime) -> list[Run]:
        """The runs that are due now and that nobody else works on."""
        return await self._engine.write(lambda tx: _lease(tx, owner, at.timestamp(), until.timestamp()))

    async def record(self, run: Run, progress: Progress, at: datetime) -> None:
        """Note what came of a run."""
        await self._engine.write(lambda tx: _record(tx, run, progress, at))

    async def renew(self, run: Run, until: datetime) -> None:
        """Stay the one who works on it."""

        def work(tx: Tx) -> None:
            _fenced(tx, run)
            tx.count(
                "UPDATE attempt SET leased_until = :until WHERE id = :id",
                until=until.timestamp(),
                id=run.attempt,
            )

        await self._engine.write(work)


def _lease(tx: Tx, owner: str, at: float, until: float) -> list[Run]:
    free = tx.rows(
        "SELECT DISTINCT attempt.id, attempt.owner FROM attempt JOIN run ON run.attempt = attempt.id"
        " WHERE run.state IN ('waiting', 'open', 'proving') AND run.due_at <= :at"
        " AND (attempt.owner IS NULL OR attempt.owner = :owner OR attempt.leased_until < :at)",
        at=at,
        owner=owner,
    )
    runs: list[Run] = []
    for row in free:
        mine = row["owner"] == owner
        taken = tx.count(
            "UPDATE attempt SET owner = :owner, leased_until = :until, fence = fence + :step WHERE id = :id"
            " AND (owner IS NULL OR owner = :owner OR leased_until < :at)",
            owner=owner,
            until=until,
            step=0 if mine else 1,
            id=row["id"],
            at=at,
        )
        if taken:
            runs += _due(tx, row["id"], at)
    return runs


def _due(tx: Tx, attempt: int, at: float) -> list[Run]:
    due = f"{RUNS} WHERE run.attempt = :id AND run.state IN ('waiting', 'open', 'proving') AND run.due_at <= :at"
    return [
        run_of(
            row,
            [
                effect_of(one)
                for one in tx.rows("SELECT * FROM effect WHERE run = :id ORDER BY position", id=row["id"])
            ],
        )
        for row in tx.rows(f"{due} ORDER BY run.id", id=attempt, at=at)
    ]


def _fenced(tx: Tx, run: Run) -> None:
    held = tx.rows(
        "SELECT run.state FROM run JOIN attempt ON attempt.id = run.attempt"
        " WHERE run.id = :id AND attempt.fence = :fence AND run.state IN ('waiting', 'open', 'proving')",
        id=run.id,
        fence=run.fence,
    )
    if not held:
        raise LeaseLost(f"{run.action} of {run.rollout} is not ours any more")


def _record(tx: Tx, run: Run, progress: Progress, at: datetime) -> None:
    tx.lock(f"attempt:{run.rollout}")
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
    if progress.attempt_state is not None:
        if run.state == RunState.waiting:
            end_others(tx, run.attempt, run.id, at.timestamp())
        sql = "UPDATE attempt SET state = :state WHERE id = :id"
        tx.count(sql, state=progress.attempt_state.value, id=run.attempt)
    if progress.tell:
        incident = f"{run.rollout}-{run.attempt}"
        want(tx, incident, run.rollout, run.attempt, progress.tell, at, urgent=True)
    if progress.hold is not None:
        tx.count("UPDATE attempt SET held = :held WHERE id = :id", held=progress.hold, id=run.attempt)


def _outcome(run: Run, progress: Progress) -> dict[str, object]:
    """How a run ended, and when it came to what is measured."""
    acted_at = progress.acted_at or run.acted_at
    ended = replace(run, state=progress.state, acted_at=acted_at, finished_at=progress.finished_at)
    instants = {name: at.isoformat() if at else None for name, at in ended.measured.items()}
    return {"outcome": progress.state.value, "text": progress.text, **instants}


def _release(tx: Tx, attempt: int) -> None:
    """Let others work on an attempt of which nothing is open any more."""
    tx.count(
        "UPDATE attempt SET owner = NULL, leased_until = 0 WHERE id = :id AND NOT EXISTS"
        " (SELECT 1 FROM run WHERE run.attempt = :id AND run.state IN ('waiting', 'open', 'proving'))",
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
    attempts: SqlAttempts
    runs: SqlRuns
    evidence: SqlEvidence
    memory: SqlMemory
    tellings: SqlTellings
    retention: SqlRetention


def store_on(engine: Engine, inbox_limit: int) -> Store:
    """All ports on one engine."""
    return Store(
        engine,
        SqlInbox(engine, inbox_limit),
        SqlAttempts(engine),
        SqlRuns(engine),
        SqlEvidence(engine),
        SqlMemory(engine),
        SqlTellings(engine),
        SqlRetention(engine),
    )
