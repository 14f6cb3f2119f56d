"""Settings and a moment → a receiver to which something happens at that moment.

A life is a real process, forked from one that has imported everything, so that a thousand of them take minutes.
The moments are just before and just after each commit, each insertion (a delivery's is a commit of its own) and
each call to HAProxy, counted from the start.
What happens: `kill` is `kill -9`; `cut` ends every connection to its PostgreSQL; `lost` lets a commit fail, or its
answer get lost after it was carried out, and counts commits alone.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import psycopg
from handrail_receiver import clock, server
from handrail_receiver.read_settings import read_settings
from handrail_receiver.store.postgres import Postgres
from handrail_receiver.store.sqlite import SQLite
from handrail_receiver.targets import haproxy

from guarded import warm

REACHED = "reached"
SKEW = "TESTS_CLOCK_AHEAD"
"""How many seconds the clock of a life goes ahead."""


class Fate:
    """Counts moments and lets it happen at the one that was chosen; leaves a file to say that it did."""

    def __init__(self, at: int, what: str, store: str) -> None:
        self.at, self.what, self.store, self.now = at, what, store, 0

    def moment(self, lost: type[Exception] | None = None) -> None:
        """A moment; `lost` is how it looks when a commit fails or is not answered."""
        if self.what == "lost" and lost is None:
            return
        self.now += 1
        if self.now != self.at:
            return
        Path(REACHED).touch()
        if self.what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.what == "cut":
            self._cut()
        if lost is not None and self.what == "lost":
            raise lost("nobody knows what became of it")

    def _cut(self) -> None:
        others = (
            b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            b" WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with psycopg.connect(self.store, autocommit=True) as connection:
            connection.execute(others)


def live(env: Mapping[str, str], folder: str, at: int, what: str) -> None:
    """Be a receiver until killed; `what` happens at moment `at` (0: never)."""
    os.chdir(folder)
    log = os.open("receiver.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(env)
    _skew_the_clock(float(os.environ.get(SKEW, "0")))
    fate = Fate(at, what, env["HANDRAIL_STORE"])
    _around_commits(fate, SQLite, sqlite3.OperationalError)
    _around_commits(fate, Postgres, psycopg.OperationalError)
    _around_calls(fate)
    server.run(read_settings())


def _skew_the_clock(seconds: float) -> None:
    """The machine's own clock goes ahead by so much."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=seconds)

    if seconds:
        clock.datetime = Ahead  # type: ignore[attr-defined]


def _around_commits(fate: Fate, kind: type[SQLite] | type[Postgres], lost: type[Exception]) -> None:
    end: Callable[[Any, str], None] = kind.end

    def fated(self: Any, word: str) -> None:
        if word == "COMMIT":
            fate.moment(lost)
        end(self, word)
        if word == "COMMIT":
            fate.moment(lost)

    kind.end = fated  # type: ignore[method-assign]
    insert: Callable[[Any, str, Sequence[str], Sequence[Sequence[Any]]], None] = kind.insert

    def kept(self: Any, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        fate.moment(lost)
        insert(self, table, columns, rows)
        fate.moment(lost)

    kind.insert = kept  # type: ignore[method-assign]


def _around_calls(fate: Fate) -> None:
    ask: Callable[[str, str, float], Awaitable[str]] = haproxy.ask

    async def fated(socket: str, command: str, seconds: float) -> str:
        fate.moment()
        answer = await ask(socket, command, seconds)
        fate.moment()
        return answer

    haproxy.ask = fated


class Lives:
    """The process that lives are forked from, spoken to in lines of JSON."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def begin(self, env: Mapping[str, str], folder: Path, at: int, what: str) -> int:
        """Begin a life; its process id."""
        wish = {"do": "begin", "env": dict(env), "folder": str(folder), "at": at, "what": what}
        return int(self._ask(wish))

    def ended(self, pid: int) -> int | None:
        """The signal that ended a life, None while it lasts."""
        signal_number: int | None = self._ask({"do": "ended", "pid": pid})
        return signal_number

    def kill(self, pid: int) -> None:
        """End a life that has not ended."""
        self._ask({"do": "kill", "pid": pid})

    def _ask(self, wish: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(wish).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def lives() -> Iterator[Lives]:
    """Lives, all of them over when the block ends."""
    tests = str(Path(__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-m", "guarded.lives"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tests,
        env={**os.environ, "PYTHONPATH": tests},
    ) as process:
        yield Lives(process)


def main() -> None:
    """Fork a life for each wish."""
    warm.make_ahead()
    living: dict[int, int | None] = {}
    for line in sys.stdin:
        wish = json.loads(line)
        answer: int | None = None
        if wish["do"] == "begin":
            answer = os.fork()
            if answer == 0:
                _child(wish)
            living[answer] = None
        else:
            answer = _ended(living, wish["pid"], kill=wish["do"] == "kill")
        print(json.dumps(answer), flush=True)
    for pid in [pid for pid, ended in living.items() if ended is None]:
        _ended(living, pid, kill=True)


def _ended(living: dict[int, int | None], pid: int, *, kill: bool) -> int | None:
    if living[pid] is None:
        if kill:
            os.kill(pid, signal.SIGKILL)
        found, status = os.waitpid(pid, 0 if kill else os.WNOHANG)
        living[pid] = os.WTERMSIG(status) if found else None
    return living[pid]


def _child(wish: dict[str, Any]) -> None:
    os.close(0)
    os.open(os.devnull, os.O_RDONLY)
    try:
        live(wish["env"], wish["folder"], wish["at"], wish["what"])
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
