"""argv → what a program said and how it ended. Its exit counts, not the end of its pipes: a child may hold them.

Never a shell: the words go to the program as they are. The caller sets the time limit (`outside.within`); what ends
the wait before the program has ended also ends all that it started.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from handrail_receiver.errors import Cause, Permanent

LONGEST = 1024 * 1024
GRACE = 1.0
"""How long what a program said is waited for after its exit: its child may hold its output open for good."""


@dataclass(frozen=True)
class Finished:
    """How a program ended: its exit code (negative: the signal that ended it) and the last of what it said.

    `cut` says that `out` lost its beginning, because it was longer than `LONGEST` bytes.
    """

    code: int
    out: bytes
    err: bytes
    cut: bool


async def run(argv: Sequence[str], *, environment: Mapping[str, str], stdin: bytes = b"") -> Finished:
    """Run `argv` with just `environment` and `given` on its standard input.

    What it leaves behind lives on. Raises Permanent when it cannot be started. Cancelling before its exit (a time
    limit does) kills its whole process group: the program is gone when this returns, and none of its children does
    anything of its own any more, though the kernel may need an instant to clear them away.
    """
    try:
        transport, talk = await _start(argv, environment, piped=bool(stdin))
    except FileNotFoundError:
        raise Permanent(Cause.missing, f"{argv[0]} is not here; install it where the receiver runs") from None
    except OSError as error:
        raise Permanent(Cause.refused, f"{argv[0]} cannot be started: {error.strerror}") from None
    try:
        _give(transport, stdin)
        await _exit(transport, talk)
        await _silence(talk)
        return talk.finished(transport.get_returncode() or 0)
    finally:
        transport.close()


async def _start(
    argv: Sequence[str], environment: Mapping[str, str], *, piped: bool
) -> tuple[asyncio.SubprocessTransport, _Talk]:
    """Cancelled while it starts, it may have children already: it is started to the end, and killed with them."""
    starting = asyncio.ensure_future(
        asyncio.get_running_loop().subprocess_exec(
            _Talk,
            *argv,
            stdin=PIPE if piped else DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=dict(environment),
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with suppress(OSError):
            await _to_its_end(_kill_started(starting))
        raise


class _Talk(asyncio.SubprocessProtocol):
    """The last `LONGEST` bytes of each output, when the program has ended, and when both outputs have."""

    def __init__(self) -> None:
        self.ended, self.silent = asyncio.Event(), asyncio.Event()
        self._said = {1: bytearray(), 2: bytearray()}
        self._open, self._cut = {1, 2}, False

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """More of what it says."""
        said = self._said[fd]
        said += data
        if len(said) > LONGEST:
            del said[:-LONGEST]
            self._cut = self._cut or fd == 1

    def pipe_connection_lost(self, fd: int, _exc: Exception | None) -> None:
        """One of its pipes is closed."""
        self._open.discard(fd)
        if not self._open:
            self.silent.set()

    def process_exited(self) -> None:
        """It has ended."""
        self.ended.set()

    def finished(self, code: int) -> Finished:
        """What is known of it now."""
        return Finished(code, bytes(self._said[1]), bytes(self._said[2]), self._cut)


def _give(transport: asyncio.SubprocessTransport, stdin: bytes) -> None:
    if stdin:
        pipe = cast(
            "asyncio.WriteTransport", transport.get_pipe_transport(0)
        )  # uvloop's is one in all but name
        pipe.write(stdin)
        pipe.close()  # once all is written


async def _exit(transport: asyncio.SubprocessTransport, talk: _Talk) -> None:
    try:
        await talk.ended.wait()
    except BaseException:
        await _to_its_end(_kill(transport, talk))
        raise


async def _to_its_end(ending: Coroutine[Any, Any, None]) -> None:
    """Await it, however often whoever waits is cancelled meanwhile: a rollback that is stopped may be stopped again."""
    task = asyncio.create_task(ending)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    task.result()


async def _kill_started(starting: asyncio.Future[tuple[asyncio.SubprocessTransport, _Talk]]) -> None:
    transport, talk = await starting
    await _kill(transport, talk)
    transport.close()


async def _kill(transport: asyncio.SubprocessTransport, talk: _Talk) -> None:
    with suppress(ProcessLookupError):
        os.killpg(transport.get_pid(), signal.SIGKILL)  # its children may outlive it
    await talk.ended.wait()
    await _silence(talk)


async def _silence(talk: _Talk) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE):
            await talk.silent.wait()


def inherited() -> dict[str, str]:
    """The receiver's own environment without its settings and secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HANDRAIL_")}
