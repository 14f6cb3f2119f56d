"""Pieces of work → transactions: all that wait together are committed together, with one fsync.

One thread writes, another reads; the event loop never waits for a disk. A piece of work is a function of a `Tx` and
may run twice if the database asks for it, so it has no effect outside the database.

A third thread watches the time: a transaction that takes longer than ANSWER_WITHIN is cut off, and whoever waits for
it, or behind it, is told that the store does not answer. So a frozen database blocks nobody.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from handrail_receiver.errors import StoreDown

T = TypeVar("T")
Row = Mapping[str, Any]
MOST_TOGETHER = 256
MOST_ROWS = 1000
TRIES = 5
ANSWER_WITHIN = 8.0  # Alertmanager gives a delivery ten seconds in all
SLOW = 2.0
LOOK_EVERY = 0.5
SURROGATE = re.compile("[\ud800-\udfff]")


class Tx(Protocol):
    """An open transaction. Statements name their values: `:name`.

    `database_clock()` is the database's own time, in seconds since 1970. `faults` are errors of a
    statement's own values, which the next one need not have. `skip_locked` ends a SELECT that takes rows which nobody else has; `listed` selects the numbers of a JSON
    list that is given as the value `listed`.
    """

    faults: tuple[type[Exception], ...]
    skip_locked: str
    listed: str

    def rows(self, sql: str, **values: object) -> list[Row]:
        """Run a statement and give all its rows."""

    def count(self, sql: str, **values: object) -> int:
        """Run a statement and give the number of rows it changed."""

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add rows to a table: hundreds cost little more than one."""

    def lock(self, name: str) -> None:
        """Be the only one in the whole database who holds `name`, until the commit."""


class Connection(Tx, Protocol):
    """A connection to the database, and what it is good for."""

    def begin(self, *, reads: bool) -> None:
        """Begin a transaction; one that only reads waits for nobody who writes."""

    def end(self, word: str) -> None:
        """COMMIT or ROLLBACK."""

    def abort(self) -> None:
        """End what it is doing now, from another thread: whoever does it gets an error."""

    def close(self) -> None:
        """Give the connection back."""


def insertions(
    table: str, columns: Sequence[str], rows: Sequence[Sequence[object]], mark: str
) -> Iterator[tuple[str, list[object]]]:
    """Statements, with their values, that add rows. Few statements: Python's other threads interfere at each."""
    one = f"({', '.join([mark] * len(columns))})"
    for first in range(0, len(rows), MOST_ROWS):
        some = rows[first : first + MOST_ROWS]
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * len(some))}"  # noqa: S608  names of our own
        yield sql, [_storable(value) for row in some for value in row]


def storable(text: str) -> str:
    """A text that every store takes and gives back as it is: what no store may hold is U+FFFD in it.

    PostgreSQL has no NUL in a text, and UTF-8 no half of a surrogate pair; what others say may have either.
    """
    text = text.replace("\0", "\ufffd")
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)


def all_storable(values: Mapping[str, object]) -> dict[str, Any]:
    """The named values of a statement, each as every store takes it."""
    return {name: _storable(value) for name, value in values.items()}


def _storable(value: object) -> object:
    return storable(value) if isinstance(value, str) else value


@dataclass
class _Job:
    work: Callable[[Tx], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    single: bool = False
    result: Any = None
    error: BaseException | None = None


@dataclass(frozen=True)
class _Running:
    """What a thread is at: since when, for whom, on which connection (None: it connects)."""

    since: float
    batch: list[_Job]
    connection: Connection | None


@dataclass
class _Lane:
    """A queue with the thread that serves it; `together` is how many share a transaction."""

    together: int
    reads: bool = False
    jobs: SimpleQueue[_Job | None] = field(default_factory=SimpleQueue)
    thread: threading.Thread | None = None
    running: _Running | None = None

    def waiting(self) -> list[_Job]:
        """All that nobody has begun, taken out of the queue; the sign to end stays in it."""
        jobs: list[_Job] = []
        with suppress(Empty):
            while True:
                job = self.jobs.get_nowait()
                if job is None:
                    self.jobs.put(None)
                    break
                jobs.append(job)
        return jobs


class Engine:
    """Runs work in transactions. `connect` opens a connection; `down` are the errors that mean "not now".

    `shared` says that other receivers may work on the same database.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        down: tuple[type[Exception], ...],
        again: tuple[type[Exception], ...] = (),
        on_close: Callable[[], None] = lambda: None,
        *,
        shared: bool = False,
    ) -> None:
        self._on_close, self.shared = on_close, shared
        self._connect, self._down, self._again = connect, down, again
        self._writing, self._reading = _Lane(MOST_TOGETHER), _Lane(1, reads=True)
        self._ended = threading.Event()
        self._trouble = ""

    def start(self) -> None:
        """Start the threads."""
        for lane in (self._writing, self._reading):
            lane.thread = threading.Thread(target=self._serve, args=(lane,), daemon=True)
            lane.thread.start()
        threading.Thread(target=self._watch, daemon=True).start()

    async def close(self) -> None:
        """Finish what is queued and close both connections; what hangs is cut off, and left when that does not help."""
        lanes = [lane for lane in (self._writing, self._reading) if lane.thread is not None]
        for lane in lanes:
            lane.jobs.put(None)
        within = ANSWER_WITHIN + 2 * LOOK_EVERY
        await asyncio.gather(*(asyncio.to_thread(lane.thread.join, within) for lane in lanes if lane.thread))
        self._ended.set()
        self._on_close()

    @property
    def trouble(self) -> str:
        """Why the newest write failed, or that one hangs; empty when neither is so."""
        running = self._writing.running
        hangs = running is not None and time.monotonic() - running.since > SLOW
        return self._trouble or (f"the store has not answered for {SLOW:g} s" if hangs else "")

    def _watch(self) -> None:
        """Cut off what takes too long."""
        while not self._ended.wait(LOOK_EVERY):
            for lane in (self._writing, self._reading):
                running = lane.running
                if running is not None and time.monotonic() - running.since > ANSWER_WITHIN:
                    self._cut_off(lane, running)

    def _cut_off(self, lane: _Lane, running: _Running) -> None:
        problem = StoreDown(f"the store did not answer within {ANSWER_WITHIN:g} s; see to its disk or server")
        if not lane.reads:
            self._trouble = str(problem)
        if running.connection is not None:
            with suppress(Exception):
                running.connection.abort()
        behind = lane.waiting()
        _deliver([_Job(job.work, job.loop, job.future, error=problem) for job in (*running.batch, *behind)])

    def write(self, work: Callable[[Tx], T], *, single: bool = False) -> asyncio.Future[T]:
        """Run `work`; what it gives is there when its changes are on disk. Raises StoreDown when they are not.

        `single` work is one statement: when nothing waits beside it, the database commits it by itself.
        """
        return self._submit(self._writing, work, single=single)

    def read(self, work: Callable[[Tx], T]) -> asyncio.Future[T]:
        """Run `work` on what is committed. Raises StoreDown."""
        return self._submit(self._reading, work)

    def _submit(self, lane: _Lane, work: Callable[[Tx], T], *, single: bool = False) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        lane.jobs.put(_Job(work, loop, future, single))
        return future

    def _serve(self, lane: _Lane) -> None:
        connection: Connection | None = None
        while (first := lane.jobs.get()) is not None:
            batch, last = [first], False
            with suppress(Empty):  # whoever watches the time may take what waits at any moment
                while len(batch) < lane.together and not last:
                    job = lane.jobs.get_nowait()
                    if job is None:
                        last = True
                    else:
                        batch.append(job)
            connection = self._carry_out(lane, connection, batch)
            lane.running = None
            _deliver(batch)
            if last:
                break
        if connection is not None:
            connection.close()

    def _carry_out(self, lane: _Lane, connection: Connection | None, batch: list[_Job]) -> Connection | None:
        """In one transaction; each in its own when one fails or the database wants to be asked again."""
        for _ in range(TRIES):
            problem: Exception
            lane.running = _Running(time.monotonic(), batch, connection)
            try:
                connection = connection or self._connect()
                lane.running = _Running(lane.running.since, batch, connection)
                _transaction(connection, batch, reads=lane.reads)
                self._note(lane, "")
                break
            except self._again as error:
                problem, enough = StoreDown(f"the store is too busy: {error}".strip()), False
            except self._down as error:
                if connection is None or not isinstance(error, connection.faults):
                    down = StoreDown(f"the store is not available: {error}".strip())
                    self._note(lane, str(down))
                    _fail(batch, down)
                    _drop(connection)
                    return None
                problem, enough = StoreDown(f"the store does not take it: {error}".strip()), True
            except Exception as error:  # noqa: BLE001  a thread that dies would leave every caller waiting
                problem, enough = error, True
            connection = _rolled_back(connection)
            if len(batch) > 1:
                return self._one_by_one(lane, connection, batch)
            _fail(batch, problem)
            if enough:
                break
        return connection

    def _one_by_one(self, lane: _Lane, connection: Connection | None, batch: list[_Job]) -> Connection | None:
        for job in batch:
            connection = self._carry_out(lane, connection, [job])
        return connection

    def _note(self, lane: _Lane, trouble: str) -> None:
        if not lane.reads:
            self._trouble = trouble


def _transaction(connection: Connection, batch: list[_Job], *, reads: bool) -> None:
    if len(batch) == 1 and batch[0].single:
        batch[0].result, batch[0].error = batch[0].work(connection), None
        return
    connection.begin(reads=reads)
    for job in batch:
        job.result, job.error = job.work(connection), None
    connection.end("COMMIT")


def _fail(batch: list[_Job], error: BaseException) -> None:
    for job in batch:
        job.error = error


def _rolled_back(connection: Connection | None) -> Connection | None:
    """The connection, ready for the next transaction, or None when it is of no use any more."""
    try:
        if connection is not None:
            connection.end("ROLLBACK")
    except Exception:  # noqa: BLE001  whatever it was, a new connection is the way out
        _drop(connection)
        return None
    return connection


def _drop(connection: Connection | None) -> None:
    if connection is not None:
        with suppress(Exception):
            connection.end("ROLLBACK")
        with suppress(Exception):
            connection.close()


def _deliver(batch: list[_Job]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in batch:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, jobs)


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
