"""A folder and settings → a receiver, forked from a process that has imported it.

Importing it takes a second of CPU and there are hundreds of starts. What a start by `python -m handrail_receiver
serve` gives it, it has here: directory, environment, log, process group, nothing on stdin, and its exit code.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from io import BufferedRWPair
from pathlib import Path
from threading import Lock
from typing import Any

import httpx
import servers
from handrail_receiver import cli
from handrail_receiver.evidence import report
from handrail_receiver.reports import html_report
from handrail_receiver.web import templating
from handrail_receiver.web.openapi import OPERATIONS
from handrail_receiver.web.verbs import VERBS
from starlette.routing import compile_path

from . import loop

LATER = (  # what a receiver imports when it has read its settings
    "anyio._backends._asyncio",
    "encodings.idna",
    "handrail_receiver.read_settings",
    "handrail_receiver.server",
    "handrail_receiver.starting",
    "handrail_receiver.store.postgres",
    "handrail_receiver.store_commands.opening",
    "httpcore",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.websockets.auto",
)


class Forked:
    """A receiver: the child of another process, which waits for it on our behalf."""

    def __init__(self, parent: Parent, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._parent = parent

    def wait(self, timeout: float | None = None) -> int:  # noqa: ARG002  nobody waits for one that goes on
        """How it ended, once it has: until then its parent forks for others."""
        if self.returncode is None:
            descriptor = os.pidfd_open(self.pid)
            ended = select.poll()
            ended.register(descriptor, select.POLLIN)
            ended.poll()
            os.close(descriptor)
            self.returncode = self._parent.ask(wait=self.pid)
        return self.returncode

    def send_signal(self, sig: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.returncode is None:
            os.kill(self.pid, sig)


class Parent:
    """The process that receivers are forked from, spoken to in lines of JSON. What it forks for us ends with us.

    All workers of a run share one, which imports and compiles for all of them: the first begins it, and it ends with
    the last. It listens on an abstract socket, which leaves no file behind.
    """

    def __init__(self) -> None:
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or os.getpid()
        name = f"\0handrail-receivers-{run}"
        self._one_at_a_time = Lock()
        self._process = _begun(name)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(name)
            self._lines = connection.makefile("rwb")

    def fork(self, folder: Path, env: Mapping[str, str]) -> Forked:
        """Begin a receiver that works in `folder` and says what it has to say in `receiver.log`."""
        return Forked(self, self.ask(folder=str(folder), env={**os.environ, **env}))

    def ask(self, **wish: Any) -> int:
        """Ask for something, and get a number."""
        with self._one_at_a_time:
            self._lines.write(json.dumps(wish).encode() + b"\n")
            self._lines.flush()
            return int(self._lines.readline())

    def end(self) -> None:
        """We wish no more. Who began it waits for the others, so that what it took counts as ours."""
        self._lines.close()
        if self._process is not None:
            self._process.wait()


def _begun(name: str) -> subprocess.Popen[bytes] | None:
    """The process that listens under a name, or None where somebody else has begun it."""
    tests = str(Path(__file__).parents[1])
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(name)
        except OSError:
            return None
        listener.listen(64)
        return subprocess.Popen(
            [sys.executable, "-c", f"from guarded import warm; warm.main({listener.fileno()})"],
            stdin=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            cwd=tests,
            env={**os.environ, "PYTHONPATH": tests},
            process_group=0,
        )


@cache
def parent() -> Parent:
    """The one of this process."""
    made = Parent()
    atexit.register(made.end)
    return made


@contextmanager
def receiver(folder: Path, *, address: str, env: Mapping[str, str]) -> Iterator[servers.Server]:
    """What `servers.receiver` gives, sooner."""
    process = parent().fork(folder, env)
    server = servers.Server("receiver", address, process, folder / "receiver.log")
    with servers.lasting(server, lambda: servers.answers(f"http://{address}/readyz")):
        yield server


def main(descriptor: int) -> None:
    """Fork a receiver for each wish; returns when nobody is there to wish, and in each child when it was one."""
    make_ahead()
    with socket.socket(fileno=descriptor) as listener:
        wish = _wished(listener)
    if wish is not None:
        _be_one(**wish)


def _wished(listener: socket.socket) -> dict[str, Any] | None:
    """Answer wishes until the last asker is gone: None. In each child: what it is to be, and no connection is open."""
    with ExitStack() as connections, selectors.DefaultSelector() as asking:
        asking.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in asking.select():
                if key.fileobj is listener:
                    connection = connections.enter_context(listener.accept()[0])
                    lines = connections.enter_context(connection.makefile("rwb"))
                    if _is_ours(connection):
                        asking.register(connection, selectors.EVENT_READ, _Asker(lines))
                elif line := key.data.lines.readline():
                    wish: dict[str, Any] = json.loads(line)
                    if not key.data.answer(wish):
                        return wish
                else:
                    asking.unregister(key.fileobj)
                    key.data.end()
            if len(asking.get_map()) == 1:
                return None


@dataclass(frozen=True)
class _Asker:
    """A worker: its end of the connection, and what was forked for it and not waited for."""

    lines: BufferedRWPair
    living: set[int] = field(default_factory=set)

    def answer(self, wish: Mapping[str, Any]) -> bool:
        """Do what is asked; False in a child that was forked."""
        if "wait" in wish:
            self.living.remove(wish["wait"])
            number = os.waitstatus_to_exitcode(os.waitpid(wish["wait"], 0)[1])
        else:
            number = os.fork()
            if number == 0:
                return False
            os.setpgid(number, number)
            self.living.add(number)
        self.lines.write(f"{number}\n".encode())
        self.lines.flush()
        return True

    def end(self) -> None:
        """It is gone, and what it left alive ends with it."""
        self.lines.close()
        for pid in self.living:
            os.killpg(pid, signal.SIGTERM)


def _is_ours(connection: socket.socket) -> bool:
    """Whether who connected is the user that we are: everybody can connect to an abstract socket."""
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(user) == os.getuid()


def make_ahead() -> None:
    """Whatever a receiver imports, reads and compiles: authorities for both of its clients, routes, and templates.

    Without it a start would take twenty times as long, and a receiver's first page as long as its start.
    """
    for name in LATER:
        import_module(name)
    make = httpx.create_ssl_context
    ahead = [make(trust_env=False) for _ in range(2)]
    httpx.create_ssl_context = lambda **given: (
        ahead.pop() if ahead and given == {"trust_env": False} else make(**given)
    )
    asking = [f"/rollouts/{{name}}/ask/{verb.name}" for verb in VERBS]
    for path in (*(one.path for one in OPERATIONS), *asking):
        compile_path(path)  # `re` keeps what it has compiled
    for templates in (templating.templates(), report.templates(), html_report.templates()):
        for name in templates.list_templates(extensions=["html"]):
            templates.get_template(name)
    gc.freeze()


def _be_one(folder: str, env: Mapping[str, str]) -> None:
    os.setpgid(0, 0)
    os.chdir(folder)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open("receiver.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for ours, its in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(ours, its)
    os.close(nothing)
    os.close(log)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    with loop.measured(env.get(loop.MEASURED)):
        cli.main(["serve"])
