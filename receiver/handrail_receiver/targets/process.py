"""argv → what a program said and how it ended; whatever ends the wait also ends all that it started.

Never a shell: the words go to the program as they are. The caller sets the time limit (`outside.within`).
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from handrail_receiver.errors import Cause, Permanent

LONGEST = 1024 * 1024


@dataclass(frozen=True)
class Finished:
    """How a program ended: its exit code (negative: the signal that ended it) and the last of what it said.

    `cut` says that `out` lost its beginning, because it was longer than `LONGEST` bytes.
    """

    code: int
    out: bytes
    err: bytes
    cut: bool


async def run(argv: Sequence[str], *, environment: Mapping[str, str], given: bytes = b"") -> Finished:
    """Run `argv` with just `environment` and `given` on its standard input.

    Raises Permanent when it cannot be started. Cancelling (a time limit does) kills its whole process group.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=PIPE if given else DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=dict(environment),
            start_new_session=True,
        )
    except FileNotFoundError:
        raise Permanent(Cause.missing, f"{argv[0]} is not here; install it where the receiver runs") from None
    except OSError as error:
        raise Permanent(Cause.refused, f"{argv[0]} cannot be started: {error.strerror}") from None
    try:
        return await _finished(process, given)
    except BaseException:
        await _kill(process)
        raise


async def _finished(process: Process, given: bytes) -> Finished:
    (out, cut), (err, _), _, code = await asyncio.gather(
        _tail(process.stdout), _tail(process.stderr), _give(process, given), process.wait()
    )
    return Finished(code, out, err, cut)


async def _tail(stream: asyncio.StreamReader | None) -> tuple[bytes, bool]:
    """The last `LONGEST` bytes of `stream`, and whether there were more."""
    kept, cut = b"", False
    while stream is not None and (part := await stream.read(65536)):
        kept += part
        if len(kept) > LONGEST:
            kept, cut = kept[-LONGEST:], True
    return kept, cut


async def _give(process: Process, given: bytes) -> None:
    if process.stdin is not None:
        process.stdin.write(given)
        with suppress(BrokenPipeError, ConnectionResetError):
            await process.stdin.drain()
        process.stdin.close()


async def _kill(process: Process) -> None:
    """Kill the group, which may outlive its leader, and wait for the leader."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def inherited() -> dict[str, str]:
    """The receiver's own environment without its settings and secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HANDRAIL_")}
