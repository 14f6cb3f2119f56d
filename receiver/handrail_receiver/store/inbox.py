"""Deliveries → rows, many in one write; rows → decisions, once each."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from handrail_receiver.errors import UNREADABLE, Full
from handrail_receiver.model import QUIET, Decision, History, Received, Settled, Stored, Verdict
from handrail_receiver.ports import Judge
from handrail_receiver.store.engine import Engine, Row, Tx
from handrail_receiver.store.histories import after, apply, history_of
from handrail_receiver.store.rows import instant

log = logging.getLogger("handrail")
COLUMNS = ("at", "source", "body")
ENOUGH = 1.0
"""After so many seconds what is decided is written, in the middle of a delivery as well: the store gives up after eight."""
NO_ALERTS = (Verdict.ignore.value, "no-alerts: the delivery lists no alert")


@dataclass
class _InboxPart:
    """A delivery that is judged: the decisions that are still to come, and those that were made."""

    left: Iterator[Decision]
    look: _Look
    made: list[Decision] = field(default_factory=list)


@dataclass
class _Look:
    """The histories, in the write that goes on: a judge goes on in the next one, and sees that one's."""

    at: _Settling | None = None

    def __call__(self, rollout: str) -> History:
        if self.at is None:
            raise LookupError(rollout)
        return self.at.look(rollout)


@dataclass
class _Batch:
    """Deliveries that are written together, and who waits for each."""

    rows: list[tuple[float, str, bytes]] = field(default_factory=list)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)


class SqlInbox:
    """Inbox. Deliveries that arrive before the database begins to write are written together.

    It counts the undecided ones, and corrects the count whenever there is nothing to decide. A delivery that takes
    too long for one write is decided in several; decisions of a write that failed are made again.
    """

    def __init__(self, engine: Engine, limit: int) -> None:
        self._engine, self._limit = engine, limit
        self._waiting = self._writing = 0
        self._open: _Batch | None = None
        self._parts: dict[int, _InboxPart] = {}
        self._lock = threading.Lock()

    def put(self, received: Received) -> Awaitable[None]:
        """Keep a delivery."""
        if self._waiting >= self._limit:
            raise Full(f"{self._waiting} deliveries wait to be decided; the sender tries again")
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            group = self._open = self._open or _Batch()
            group.rows.append((received.at.timestamp(), received.source, received.body))
            group.waiters.append(kept)
        self._waiting += 1
        self._writing += 1
        if len(group.rows) == 1:
            asyncio.get_running_loop().call_soon(self._write, group)
        return kept

    def _write(self, group: _Batch) -> None:
        def work(tx: Tx) -> None:
            self._close(group)
            tx.insert("inbox", COLUMNS, group.rows)

        self._engine.write(work, single=True).add_done_callback(partial(self._written, group))

    def _written(self, group: _Batch, written: asyncio.Future[None]) -> None:
        self._close(group)
        problem = written.exception()
        self._writing -= len(group.rows)
        if problem is not None:
            self._waiting -= len(group.rows)
        _tell(group.waiters, problem)

    def _close(self, group: _Batch) -> None:
        """Nobody joins a group any more that is being written, or could not be."""
        with self._lock:
            if self._open is group:
                self._open = None

    async def settle(self, judge: Judge, at: datetime, limit: int) -> list[Settled]:
        """Judge the oldest undecided deliveries."""
        settled, parts = await self._engine.write(lambda tx: _settle(tx, judge, at, limit, self._begun()))
        self._parts = parts
        decided = sum(len(one.numbers) for one in settled)
        self._waiting = max(self._writing, self._waiting - decided if settled else 0)
        return settled

    def _begun(self) -> dict[int, _InboxPart]:
        """What earlier writes have begun; gone once it is taken, so that a write that fails begins it again."""
        parts, self._parts = self._parts, {}
        return parts

    async def waiting(self) -> int:
        """How many are not decided yet."""
        sql = "SELECT COUNT(*) AS n FROM inbox WHERE result IS NULL"
        return int((await self._engine.read(lambda tx: tx.rows(sql)))[0]["n"])


class SqlDeliveries:
    """What was delivered, decided or not, for who asks what was said while something else was asked."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def undecided_from(self) -> int:
        """The number of the first delivery that is not decided, or of whatever comes next."""
        sql = (
            "SELECT COALESCE((SELECT MIN(number) FROM inbox WHERE result IS NULL),"
            " (SELECT MAX(number) + 1 FROM inbox), 0) AS number"
        )
        return int((await self._engine.read(lambda tx: tx.rows(sql)))[0]["number"])

    async def since(self, number: int) -> list[bytes]:
        """The bodies from that number on, oldest first."""
        sql = "SELECT body FROM inbox WHERE number >= :number ORDER BY number"
        rows = await self._engine.read(lambda tx: tx.rows(sql, number=number))
        return [bytes(row["body"]) for row in rows]


def _tell(waiters: Sequence[asyncio.Future[None]], problem: BaseException | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if problem is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(problem)


def _settle(
    tx: Tx, judge: Judge, at: datetime, limit: int, begun: dict[int, _InboxPart]
) -> tuple[list[Settled], dict[int, _InboxPart]]:
    """What was decided in one write, and what is left of the delivery that it did not get to the end of."""
    undecided = "SELECT number, at, source, body FROM inbox WHERE result IS NULL ORDER BY number LIMIT :limit"
    settling = _Settling(tx, judge, at, begun)
    for row in tx.rows(f"{undecided} {tx.skip_locked}", limit=limit):
        settling.settle(row)
        if settling.enough:
            break
    _mark(tx, [one for one in settling.settled if one.numbers])
    return settling.settled, settling.left


def _mark(tx: Tx, settled: Sequence[Settled]) -> None:
    """Note the result of each, with one statement for all of which the same is to be said."""
    sql = f"UPDATE inbox SET result = :result, reason = :reason WHERE number IN ({tx.listed})"  # noqa: S608
    numbers: dict[tuple[str, str], list[int]] = {}
    for one in settled:
        numbers.setdefault(_result(one.first), []).extend(one.numbers)
    for (result, reason), these in numbers.items():
        tx.count(sql, result=result, reason=reason, listed=json.dumps(these))


@dataclass
class _Settling:
    """One round of judging. The same body again, after which nothing has changed, is judged the same."""

    tx: Tx
    judge: Judge
    at: datetime
    begun: dict[int, _InboxPart]
    left: dict[int, _InboxPart] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)
    settled: list[Settled] = field(default_factory=list)
    histories: dict[str, History] = field(default_factory=dict)
    known: dict[bytes, Settled] = field(default_factory=dict)

    def settle(self, row: Row) -> None:
        """Judge a delivery."""
        body = bytes(row["body"])
        if (again := self.known.get(body)) is not None:
            again.numbers.append(row["number"])
            return
        stored = Stored(instant(row["at"]), row["source"], body, row["number"])
        part = self.begun.get(stored.number) or self._begin(stored)
        part.look.at = self
        before, ended = tuple(part.made), self._judge(part, stored.at)
        settled = Settled(
            [stored.number] if ended else [], stored.at, tuple(part.made[len(before) :]), before
        )
        self.settled.append(settled)
        if not ended:
            self.left[stored.number] = part
        elif all(decision.verdict in QUIET for decision in part.made):
            self.known[body] = settled

    @property
    def enough(self) -> bool:
        """Whether what is decided should be written now."""
        return time.monotonic() - self.since > ENOUGH

    def _begin(self, stored: Stored) -> _InboxPart:
        look = _Look(self)
        return _InboxPart(iter(self.judge(stored, look)), look)

    def _judge(self, part: _InboxPart, detected_at: datetime) -> bool:
        """Decide alert by alert; whether that came to its end before it was enough for one write."""
        for decision in part.left:
            done = self._applied(decision, detected_at)
            part.made.append(done)
            if done.changes:
                self._changed(done)
            if self.enough:
                return False
        return True

    def _changed(self, decision: Decision) -> None:
        """What is known of the histories is so no more; of what was only heard it is known what it changes."""
        self.known.clear()
        known = self.histories.get(decision.rollout)
        then = after(known, decision.changes, self.at) if known else None
        if then is None:
            self.histories.clear()
        else:
            self.histories[decision.rollout] = then

    def _applied(self, decision: Decision, detected_at: datetime) -> Decision:
        """Carry a decision into the rows, all of it or, where that cannot be, none; the others go on."""
        if decision.verdict in QUIET and not decision.changes:
            return decision
        faults: tuple[type[Exception], ...] = (*self.tx.faults, *UNREADABLE)
        self.tx.count("SAVEPOINT decided")
        try:
            done = apply(self.tx, decision, self.at, detected_at)
        except faults as error:
            self.tx.count("ROLLBACK TO SAVEPOINT decided")
            done = _fault(decision, error)
        self.tx.count("RELEASE SAVEPOINT decided")
        return done

    def look(self, rollout: str) -> History:
        if rollout not in self.histories:
            self.histories[rollout] = history_of(self.tx, rollout, self.at, own=True)
        return self.histories[rollout]


def _fault(decision: Decision, error: Exception) -> Decision:
    said = " ".join(str(error).split())
    log.error("%s %s (%s) cannot be kept: %s", decision.rollout, decision.verdict, decision.reason, said)
    return replace(decision, verdict=Verdict.note, reason="fault", text=said, changes=(), tell=())


def _result(first: Decision | None) -> tuple[str, str]:
    return NO_ALERTS if first is None else (first.verdict.value, f"{first.reason}: {first.text}")
