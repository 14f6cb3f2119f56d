"""A folder and settings → a receiver, forked from a process that has imported it.

Importing it takes a second of CPU and there are hundreds of starts. What a start by `python -m handrail_receiver
serve` gives it, it has here: directory, environment, log, process group, nothing on stdin, and its exit code.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

import httpx
import servers
from handrail_receiver import cli
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

    def wait(self, timeout: float | None = None) -> int:  # noqa: ARG002  there is nothing to wait for
        """How it ended; call it when it has or is about to: until then nobody else is forked."""
        if self.returncode is None:
            self.returncode = self._parent.ask(wait=self.pid)
        return self.returncode

    def send_signal(self, sig: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.returncode is None:
            os.kill(self.pid, sig)


class Parent:
    """The process that receivers are forked from, spoken to in lines of JSON. It ends with us, and they with it."""

    def __init__(self) -> None:
        tests = str(Path(__file__).parents[1])
        self._one_at_a_time = Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from guarded import warm; warm.main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=tests,
            env={**os.environ, "PYTHONPATH": tests},
            process_group=0,
        )

    def fork(self, folder: Path, env: Mapping[str, str]) -> Forked:
        """Begin a receiver that works in `folder` and says what it has to say in `receiver.log`."""
        return Forked(self, self.ask(folder=str(folder), env={**os.environ, **env}))

    def ask(self, **wish: Any) -> int:
        """Ask for something, and get a number."""
        with self._one_at_a_time:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(wish).encode() + b"\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())

    def end(self) -> None:
        """Nobody wishes any more."""
        self._process.communicate()


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


def main() -> None:
    """Fork a receiver for each wish; returns when nobody wishes any more, and in each child when it was one."""
    for name in LATER:
        import_module(name)
    _make_ahead()
    gc.freeze()
    living: set[int] = set()
    for line in sys.stdin:
        wish = json.loads(line)
        if "wait" in wish:
            living.remove(wish["wait"])
            answer = os.waitstatus_to_exitcode(os.waitpid(wish["wait"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                _be_one(wish["folder"], wish["env"])
                return
            os.setpgid(answer, answer)
            living.add(answer)
        print(answer, flush=True)
    for pid in living:
        os.killpg(pid, signal.SIGTERM)


def _make_ahead() -> None:
    """Read the public authorities for both of a receiver's clients, and the paths of its routes: half of a start."""
    make = httpx.create_ssl_context
    ahead = [make(trust_env=False) for _ in range(2)]
    httpx.create_ssl_context = lambda **given: (
        ahead.pop() if ahead and given == {"trust_env": False} else make(**given)
    )
    asking = [f"/rollouts/{{name}}/ask/{verb.name}" for verb in VERBS]
    for path in (*(one.path for one in OPERATIONS), *asking):
        compile_path(path)  # `re` keeps what it has compiled


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
