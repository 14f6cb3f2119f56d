"""Settings and a moment → a receiver that dies by `kill -9` at that moment.

A life is a real process, forked from one that has imported everything, so that a thousand of them take minutes.
The moments are just before and just after each commit and each call to HAProxy, counted from the start.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handrail_receiver import server
from handrail_receiver.settings import read_settings
from handrail_receiver.stores.sqlite import SQLite
from handrail_receiver.targets import haproxy


class Death:
    """Counts moments and dies at the one that was chosen."""

    def __init__(self, at: int) -> None:
        self.at, self.now = at, 0

    def moment(self) -> None:
        self.now += 1
        if self.now == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def live(env: Mapping[str, str], folder: str, at: int) -> None:
    """Be a receiver until killed; dies by itself at moment `at` (0: never)."""
    os.chdir(folder)
    log = os.open("receiver.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(env)
    death = Death(at)
    _around_commits(death)
    _around_calls(death)
    server.run(read_settings())


def _around_commits(death: Death) -> None:
    end: Callable[[SQLite, str], None] = SQLite.end

    def mortal(self: SQLite, word: str) -> None:
        if word == "COMMIT":
            death.moment()
        end(self, word)
        if word == "COMMIT":
            death.moment()

    SQLite.end = mortal  # type: ignore[method-assign]


def _around_calls(death: Death) -> None:
    ask: Callable[[str, str, float], Awaitable[str]] = haproxy.ask

    async def mortal(socket: str, command: str, seconds: float) -> str:
        death.moment()
        answer = await ask(socket, command, seconds)
        death.moment()
        return answer

    haproxy.ask = mortal


class Lives:
    """The process that lives are forked from, spoken to in lines of JSON."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def begin(self, env: Mapping[str, str], folder: Path, at: int) -> int:
        """Begin a life; its process id."""
        return int(self._ask({"do": "begin", "env": dict(env), "folder": str(folder), "at": at}))

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
        live(wish["env"], wish["folder"], wish["at"])
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
