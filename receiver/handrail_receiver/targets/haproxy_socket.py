"""A command for HAProxy's Runtime API → all that one node answers.

The socket needs `level admin`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from handrail_receiver.errors import Cause, Permanent, Retryable

LONGEST = 4 * 1024 * 1024


async def ask(socket: str, command: str, seconds: float) -> str:
    """One command, and all that is answered.

    Raises Retryable when the node cannot be reached or is silent, Permanent when it may not be reached.
    """
    if "\n" in command or "\r" in command or ";" in command:
        raise Permanent(
            Cause.invalid, "a command for HAProxy holds a line end or a semicolon; correct the declaration"
        )
    try:
        async with asyncio.timeout(seconds), _connected(socket) as (reader, writer):
            writer.write(f"{command}\n".encode())
            await writer.drain()
            return (await _whole(reader, socket)).decode(errors="replace")
    except TimeoutError:
        raise Retryable(Cause.timeout, f"{socket} did not answer within {seconds:g} s") from None
    except PermissionError:
        raise Permanent(
            Cause.refused, f"{socket} may not be opened; let the receiver's user write to it"
        ) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        cure = "start HAProxy there, or correct the declaration"
        raise Retryable(Cause.unreachable, f"{socket} cannot be reached: {why} ({cure})") from None


async def _whole(reader: asyncio.StreamReader, socket: str) -> bytes:
    """All until HAProxy closes: a long answer comes in pieces."""
    answer = b""
    while part := await reader.read(65536):
        answer += part
        if len(answer) > LONGEST:
            raise Permanent(
                Cause.invalid, f"{socket} answered with more than {LONGEST >> 20} MiB; is it HAProxy?"
            )
    return answer


@dataclass(frozen=True)
class _Address:
    path: Path | None
    host: str = ""
    port: int = 0


def _address(socket: str) -> _Address:
    if socket.startswith("unix:"):
        return _Address(Path(socket.removeprefix("unix:")))
    host, _, port = socket.rpartition(":")
    if not host or not port.isdigit():
        raise Permanent(Cause.invalid, f"{socket!r} is not a socket; write unix:PATH or HOST:PORT")
    return _Address(None, host.strip("[]"), int(port))


@asynccontextmanager
async def _connected(socket: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    address = _address(socket)
    if address.path is None:
        reader, writer = await asyncio.open_connection(address.host, address.port)
    else:
        # A descriptor of its folder stands for a path longer than a socket's name may be.
        folder = os.open(address.path.parent, os.O_PATH)
        try:
            short = f"/proc/self/fd/{folder}/{address.path.name}"
            reader, writer = await asyncio.open_unix_connection(short)
        finally:
            os.close(folder)
    try:
        yield reader, writer
    finally:
        writer.close()
