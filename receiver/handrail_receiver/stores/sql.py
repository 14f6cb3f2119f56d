"""An Engine → the ports of a store."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from handrail_receiver.errors import Full, LeaseLost
from handrail_receiver.model import (
    Decision,
    EvidenceRecord,
    History,
    Progress,
    Received,
    Run,
    RunState,
    Settled,
    Stored,
    Verdict,
)
from handrail_receiver.ports import Judge
from handrail_receiver.stores.chain import link, record_of
from handrail_receiver.stores.engine import Engine, Row, Tx
from handrail_receiver.stores.histories import RUNS, apply, end_others, history_of
from handrail_receiver.stores.retention import SqlRetention
from handrail_receiver.stores.rows import effect_of, instant, run_of, seconds
from handrail_receiver.stores.tellings import SqlTellings, changed

STRONGEST = (
    Verdict.act,
    Verdict.confirm,
    Verdict.hold,
    Verdict.tell,
    Verdict.shadow,
    Verdict.note,
    Verdict.repeat,
    Verdict.ignore,
)


@dataclass
class _Group:
    """Deliveries that are written together."""

    rows: list[dict[str, object]] = field(default_factory=list)
    written: asyncio.Task[None] | None = None


class SqlInbox:
    """Inbox. Deliveries that arrive before the database begins to write are written together.

    The undecided ones are counted here, and put right whenever there is nothing to decide.
    """

    def __init__(self, engine: Engine, limit: int) -> None:
        self._engine, self._limit = engine, limit
        self._waiting = self._writing = 0
        self._open: _Group | None = None
        self._lock = threading.Lock()

    async def put(self, received: Received) -> None:
        """Keep a delivery."""
        if self._waiting >= self._limit:
            raise Full(f"{self._waiting} deliveries wait to be decided; the sender tries again")
        self._waiting += 1
        self._writing += 1
        try:
            await asyncio.shield(self._join(received))
        except BaseException:
            self._waiting -= 1
            raise
        finally:
            self._writing -= 1

    def _join(self, received: Received) -> asyncio.Task[None]:
        row = {"at": received.at.timestamp(), "source": received.source, "body": received.body}
        with self._lock:
            group = self._open or _Group()
            group.rows.append(row)
            self._open = group
        if group.written is None:
            group.written = asyncio.create_task(self._write(group))
        return group.written

    async def _write(self, group: _Group) -> None:
        def work(tx: Tx) -> None:
            self._close(group)
            tx.each("INSERT INTO inbox (at, source, body) VALUES (:at, :source, :body)", group.rows)

        try:
            await self._engine.write(work)
        finally:
            self._close(group)

    def _close(self, group: _Group) -> None:
        """Nobody joins a group any more that is being written, or could not be."""
        with self._lock:
            if self._open is group:
                self._open = None

    async def settle(self, judge: Judge, at: datetime, limit: int) -> list[Settled]:
        """Judge the oldest undecided deliveries."""
        settled = await self._engine.write(lambda tx: _settle(tx, judge, at, limit))
        self._waiting = max(self._writing, self._waiting - len(settled) if settled else 0)
        return settled

    async def waiting(self) -> int:
        """How many are not decided yet."""
        sql = "SELECT COUNT(*) AS n FROM inbox WHERE result IS NULL"
        return int((await self._engine.read(lambda tx: tx.rows(sql)))[0]["n"])


def _settle(tx: Tx, judge: Judge, at: datetime, limit: int) -> list[Settled]:
    undecided = "SELECT * FROM inbox WHERE result IS NULL ORDER BY number LIMIT :limit"
    rows = tx.rows(f"{undecided} {tx.skip_locked}", limit=limit)
    if not rows:
        return []
    settling = _Settling(tx, judge, at)
    settled = [settling.settle(row) for row in rows]
    results = [{"number": one.number, **_result(one.decisions)} for one in settled]
    tx.each("UPDATE inbox SET result = :result, reason = :reason WHERE number = :number", results)
    return settled


@dataclass
class _Settling:
    """One round of judging. The same body again, after which nothing has changed, is judged the same."""

    tx: Tx
    judge: Judge
    at: datetime
    histories: dict[str, History] = field(default_factory=dict)
    known: dict[bytes, tuple[Decision, ...]] = field(default_factory=dict)

    def settle(self, row: Row) -> Settled:
        stored = Stored(instant(row["at"]), row["source"], bytes(row["body"]), row["number"])
        again = self.known.get(stored.body)
        if again is not None:
            return Settled(stored.number, stored.at, again)
        decisions: list[Decision] = []
        for decision in self.judge(stored, self.look):
            decisions.append(apply(self.tx, decision, self.at, stored.at))
            if decision.changes:
                self.histories.pop(decision.rollout, None)
                self.known.clear()
        if all(decision.verdict in {Verdict.repeat, Verdict.ignore} for decision in decisions):
            self.known[stored.body] = tuple(decisions)
        return Settled(stored.number, stored.at, tuple(decisions))

    def look(self, rollout: str) -> History:
        if rollout not in self.histories:
            self.tx.lock(f"attempt:{rollout}")
            self.histories[rollout] = history_of(self.tx, rollout, self.at)
        return self.histories[rollout]


def _result(decisions: Sequence[Decision]) -> dict[str, str]:
    first = min(decisions, key=lambda decision: STRONGEST.index(decision.verdict), default=None)
    if first is None:
        return {"result": Verdict.ignore.value, "reason": "no-alerts: the delivery lists no alert"}
    return {"result": first.verdict.value, "reason": f"{first.reason}: {first.text}"}


class SqlAttempts:
    """Attempts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def apply(self, rollout: str, decide: Callable[[History], Decision], at: datetime) -> Decision:
        """Decide on the history of a rollout and carry the decision into the store."""

        def work(tx: Tx) -> Decision:
            tx.lock(f"attempt:{rollout}")
            return apply(tx, decide(history_of(tx, rollout, at)), at, at)

        return await self._engine.write(work)

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
            "state": effect.state.value,
            "found": effect.found,
        }
        link(tx, run.rollout, "step", body, at)
    if progress.finished_at is not None:
        _release(tx, run.attempt)
        changed(tx, run.attempt, at)
        link(tx, run.rollout, "outcome", body | {"outcome": progress.state.value, "text": progress.text}, at)
    if progress.attempt_state is not None:
        if run.state == RunState.waiting:
            end_others(tx, run.attempt, run.id, at.timestamp())
        sql = "UPDATE attempt SET state = :state WHERE id = :id"
        tx.count(sql, state=progress.attempt_state.value, id=run.attempt)
    if progress.hold is not None:
        tx.count("UPDATE attempt SET held = :held WHERE id = :id", held=progress.hold, id=run.attempt)


def _release(tx: Tx, attempt: int) -> None:
    """Let others work on an attempt of which nothing is open any more."""
    tx.count(
        "UPDATE attempt SET owner = NULL, leased_until = 0 WHERE id = :id AND NOT EXISTS"
        " (SELECT 1 FROM run WHERE run.attempt = :id AND run.state IN ('waiting', 'open', 'proving'))",
        id=attempt,
    )


class SqlEvidence:
    """Evidence."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def append(self, rollout: str, kind: str, body: Mapping[str, object], at: datetime) -> None:
        """Add a record to the chain of a rollout."""
        await self._engine.write(lambda tx: link(tx, rollout, kind, body, at))

    async def read(self, rollout: str) -> list[EvidenceRecord]:
        """The chain of a rollout, oldest first."""
        sql = "SELECT * FROM evidence WHERE rollout = :rollout ORDER BY number"
        return [record_of(row) for row in await self._engine.read(lambda tx: tx.rows(sql, rollout=rollout))]


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
