"""argv → a real process that is ready, keeps its log in a folder, and ends with us.

Every process leads a group of its own, so that Ctrl-C reaches us and not it, and so that all it started ends
with it. Should we die without a word (`kill -9`), the kernel ends it: `setpriv --pdeathsig` asks for that, and
the shell behind it sees whether we had died before it could ask. Start servers from a thread that outlives them.
"""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Protocol

GIVE_UP = 120.0
"""How long something is waited for that is sure to come, also on a machine that has other things to do."""
END_WITHIN = 10.0
GONE = frozenset("ZX")
PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "haproxy": "haproxy",
    "chromium": "chromium",
    "systemd-analyze": "systemd",
    "setpriv": "util-linux",
    "pgbouncer": "pgbouncer",
    "mtail": "mtail",
    "prometheus-sql-exporter": "prometheus-sql-exporter",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "prometheus-postgres-exporter": "prometheus-postgres-exporter",
    "prometheus-redis-exporter": "prometheus-redis-exporter",
    "redis-server": "redis-server",
    "jq": "jq",
}
WITH_US = """test "$PPID" = "$0" && exec "$@" """
alive: list[Server] = []  # what a failing test shows the logs of


class Missing(Exception):
    """A program is not installed; the message names the Debian package that brings it."""


class NotReady(Exception):
    """A server ended early or was not ready in time; the message holds the tail of its log."""


class Process(Protocol):
    """What somebody started: what `subprocess.Popen` gives, as far as a server needs it."""

    @property
    def pid(self) -> int:
        """Its id, and that of the group it leads."""

    @property
    def returncode(self) -> int | None:
        """How it ended, once `wait` was called."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; until then it is a zombie, and its id nobody else's."""

    def send_signal(self, sig: int) -> None:
        """Send it a signal."""


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, the process, and the file that holds all it said."""

    name: str
    address: str
    process: Process
    log: Path

    @property
    def url(self) -> str:
        """Where it answers HTTP, without a slash at the end."""
        return f"http://{self.address}"

    def tail(self, lines: int = 30) -> str:
        """The last lines it said, under a heading that names it."""
        said = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([f"--- the end of {self.log}", *said])

    def has_ended(self) -> bool:
        """Whether the process is gone; it stays a zombie, so that its group is nobody else's."""
        if self.process.returncode is not None:
            return True
        descriptor = os.pidfd_open(self.process.pid)
        try:
            ended = select.poll()
            ended.register(descriptor, select.POLLIN)
            return bool(ended.poll(0))
        finally:
            os.close(descriptor)


def program(name: str | Path) -> str:
    """The path of a program: a path as it stands, a name looked up in PATH and in /usr/sbin."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if found is None:
        package = PACKAGES.get(str(name))
        cure = f"apt-get install {package}" if package else "give the path of a program that exists"
        raise Missing(f"{name} is not installed; {cure}")
    return found


def free_port() -> int:
    """A free TCP port on loopback, below those the kernel gives to outgoing connections."""
    for port in islice(_own_ports(), 200):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise NotReady("no free port between 20000 and 32767 on 127.0.0.1")


@cache
def _own_ports() -> Iterator[int]:
    """This process's own, from a random one on: somebody else, or who asked before, may not listen on theirs yet."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    own = range(20000, 32768)[int(worker) :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
    first = random.randrange(len(own))
    return cycle([*own[first:], *own[:first]])


def free_address() -> str:
    """`127.0.0.1:PORT` with a free port."""
    return f"127.0.0.1:{free_port()}"


def until(condition: Callable[[], bool], what: str, *, within: float = GIVE_UP, every: float = 0.05) -> None:
    """Wait until `condition()` holds; TimeoutError says what was waited for.

    It is asked `every` so many seconds at first, then less often, down to five times a second: asking costs as much
    as what is waited for.
    """
    deadline, pause = time.monotonic() + within, every
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {within:g} s for {what}")
        time.sleep(pause)
        pause = min(1.1 * pause, max(every, 0.2))


def is_running(pid: int) -> bool:
    """Whether a process can still do something; a zombie cannot.

    What was killed is on its way out for an instant, longer on a busy machine: wait with `until` for its end.
    """
    return _state(Path(f"/proc/{pid}")) not in GONE


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """While the block lasts, no thread of these processes runs; afterwards they go on.

    `SIGSTOP` reaches one thread, which stops the others when it has its turn: on a busy machine they work for a while.
    """
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: all(map(_stands_still, pids)), f"{pids} to stand still")
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _stands_still(pid: int) -> bool:
    return all(_state(thread) in {"T", *GONE} for thread in Path(f"/proc/{pid}/task").iterdir())


def _state(process: Path) -> str:
    """What a process or a thread does, in the kernel's letter; X when it is gone."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


@contextmanager
def running(
    name: str,
    argv: Sequence[str | Path],
    *,
    folder: Path,
    address: str,
    ready: Callable[[], bool],
    env: Mapping[str, str] | None = None,
    within: float = GIVE_UP,
) -> Iterator[Server]:
    """Run `argv` in `folder` until the block ends; the block begins when `ready()` says so."""
    with lasting(_started(name, argv, folder, address, env), ready, within) as server:
        yield server


@contextmanager
def lasting(server: Server, ready: Callable[[], bool], within: float = GIVE_UP) -> Iterator[Server]:
    """A server that was started, until the block ends; the block begins when `ready()` says so.

    An exception that leaves the block carries the end of the log as a note, unless it is the last words of
    another server that did not become ready.
    """
    alive.append(server)
    try:
        _wait(server, ready, within)
        yield server
    except NotReady:
        raise
    except BaseException as error:
        error.add_note(server.tail())
        raise
    finally:
        alive.remove(server)
        end(server)


def end(server: Server, *, within: float = END_WITHIN) -> None:
    """End a server and all it started: asked to at first, forced to after `within` seconds."""
    if server.process.returncode is not None:
        return
    os.killpg(server.process.pid, signal.SIGTERM)
    deadline = time.monotonic() + within
    while not server.has_ended() and time.monotonic() < deadline:
        time.sleep(0.02)
    kill(server)


def kill(server: Server) -> None:
    """`kill -9` a server and all it started: what a power cut does to it."""
    if server.process.returncode is None:
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()


def _started(
    name: str, argv: Sequence[str | Path], folder: Path, address: str, env: Mapping[str, str] | None
) -> Server:
    path, log = program(argv[0]), folder / f"{name}.log"
    ends_with_us = [program("setpriv"), "--pdeathsig", "TERM", "sh", "-c", WITH_US, str(os.getpid())]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*ends_with_us, path, *map(str, argv[1:])],
            cwd=folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    return Server(name, address, process, log)


def _wait(server: Server, ready: Callable[[], bool], within: float) -> None:
    def ready_or_ended() -> bool:
        return server.has_ended() or ready()

    try:
        until(ready_or_ended, f"{server.name} to be ready", within=within)
    except TimeoutError as error:
        raise _not_ready(server, str(error)) from error
    if server.has_ended():
        raise _not_ready(server, f"{server.name} ended before it was ready")


def _not_ready(server: Server, why: str) -> NotReady:
    error = NotReady(why)
    error.add_note(server.tail())
    return error
