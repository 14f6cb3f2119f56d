"""A folder → a PostgreSQL that a test takes away and gives back while a receiver uses it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import servers


@dataclass
class Database:
    """One server with any number of databases in it."""

    folder: Path
    address: str
    _stack: ExitStack
    _server: servers.Server

    def url(self, name: str = "postgres") -> str:
        """Where a database is."""
        return f"postgresql://handrail@{self.address}/{name}"

    def make(self, name: str, like: str = "template0") -> str:
        """A new database, empty or a copy of one that nobody uses; its URL."""
        self._do(f"CREATE DATABASE {name} TEMPLATE {like}")
        return self.url(name)

    def forget(self, name: str) -> None:
        """Remove a database, whoever uses it."""
        self._do(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def cut(self, name: str) -> None:
        """End every connection to a database: what a failing network or an administrator does."""
        ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        self._do(ending, name)

    def die(self) -> None:
        """End the server at once, without a last word to anybody, as a crash does."""
        self._server.process.send_signal(signal.SIGQUIT)
        self._server.process.wait(timeout=30)

    def come_back(self) -> None:
        """Begin again on the same address with what was committed."""
        again = servers.postgres(self.folder, address=self.address)
        self._server = self._stack.enter_context(again)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """While the block lasts nothing of the server runs: it takes connections and says not one word."""
        main = self._server.process.pid
        below = subprocess.run(["pgrep", "-P", str(main)], check=True, capture_output=True, text=True)
        everybody = [main, *map(int, below.stdout.split())]
        with servers.frozen(*everybody):
            yield

    def _do(self, statement: str, *values: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement.encode(), values)


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    """A PostgreSQL in `folder`, gone when the block ends."""
    with ExitStack() as stack:
        server = stack.enter_context(servers.postgres(folder))
        yield Database(folder, server.address, stack, server)
