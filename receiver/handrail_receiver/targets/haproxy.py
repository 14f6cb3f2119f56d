"""HAProxyWeight and HAProxyState → commands for HAProxy's Runtime API, once for each node.

The socket needs `level admin`. The effect lasts until HAProxy is reloaded. What is sent comes from the
playbook, is checked again here, and can hold no line end and no second command.
"""

from __future__ import annotations

import asyncio
import csv
import io
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from handrail.contract import HAProxyState, HAProxyWeight

from handrail_receiver.errors import Cause, Permanent, Retryable
from handrail_receiver.ports import Reading, Rehearsal
from handrail_receiver.targets.rehearsal import rehearsed

HAProxyStep = HAProxyWeight | HAProxyState
SERVER = re.compile(r"[A-Za-z0-9_.:-]+/[A-Za-z0-9_.:-]+")
LONGEST = 4 * 1024 * 1024

# srv_admin_state of `show servers state`: forced maintenance, and forced drain
MAINTENANCE, DRAIN = 0x01, 0x08
BACKENDS = 2  # as `show stat` counts kinds of lines
HASHES = frozenset({"source", "uri", "url_param", "hdr", "rdp-cookie", "hash"})
MISSING = ("no such server", "no such backend", "can't find", "require 'backend/server'")
REFUSED = ("permission denied", "unknown command")


class HAProxy:
    """HAProxy nodes, each asked through its own socket: `unix:PATH` or `HOST:PORT`."""

    async def rehearse(self, step: HAProxyStep) -> Rehearsal:
        """Each node must know the server and let us do more than look."""
        return await rehearsed(
            step,
            self._checks,
            lambda step: "; ".join(f"{socket}: {_command(step)}" for socket in step.sockets),
        )

    async def _checks(self, step: HAProxyStep) -> tuple[HAProxyStep, str]:
        notes: list[str] = []
        for socket in step.sockets:
            await self._read_one(step, socket)
            # Setting a weight needs `level admin`; asked without a value it changes nothing and says which.
            answer = await ask(socket, f"set server {_server(step)} weight", step.timeout)
            if any(word in answer.lower() for word in REFUSED):
                raise Permanent(Cause.refused, f"{socket} lets us look only; set `level admin` on it")
            notes += await self._balance(step, socket)
        return step, "; ".join([f"{len(step.sockets)} node(s) know {step.server}", *dict.fromkeys(notes)])

    async def _balance(self, step: HAProxyStep, socket: str) -> list[str]:
        """What is to be said of the balance: a static one takes no weight but 0 and the one it began with."""
        if isinstance(step, HAProxyState) or step.weight == 0:
            return []
        answer = await ask(socket, f"get weight {_server(step)}", step.timeout)
        if f"(initial {step.weight})" in answer:
            return []
        backend = _server(step).partition("/")[0]
        stats = _table(await ask(socket, f"show stat {backend} {BACKENDS} -1", step.timeout))
        balance = next((row.get("algo", "") for row in stats if row.get("pxname") == backend), "")
        if balance == "static-rr":
            raise Permanent(
                Cause.invalid,
                f"{socket} has `balance static-rr`, which takes no weight at run time but 0 and the initial one: "
                f"{answer.strip()}; set {step.weight} in its configuration, or use roundrobin",
            )
        if balance not in HASHES:
            return []
        return [
            f"`balance {balance}` takes it only with `hash-type consistent`, which only the real call tells"
        ]

    async def read(self, step: HAProxyStep) -> Reading:
        """What every node says now; done when all of them are as asked."""
        found = [await self._read_one(step, socket) for socket in step.sockets]
        return Reading(done=all(value == _wanted(step) for value in found), found=_told(step, found))

    async def act(self, step: HAProxyStep) -> None:
        """Tell every node that is not as asked. All are told before a failure of one is raised."""
        failed: list[Retryable | Permanent] = []
        for socket in step.sockets:
            try:
                if await self._read_one(step, socket) != _wanted(step):
                    _check(socket, await ask(socket, _command(step), step.timeout))
            except (Retryable, Permanent) as error:
                failed.append(error)
        if failed:
            raise next((error for error in failed if isinstance(error, Retryable)), failed[0])

    async def _read_one(self, step: HAProxyStep, socket: str) -> str:
        if isinstance(step, HAProxyWeight):
            answer = _check(socket, await ask(socket, f"get weight {_server(step)}", step.timeout))
            found = re.match(r"(\d+) \(initial \d+\)", answer)
            if found is None:
                raise Permanent(Cause.invalid, f"{socket} said {answer[:80]!r} for a weight; is it HAProxy?")
            return found.group(1)
        backend, name = _server(step).split("/")
        answer = _check(socket, await ask(socket, f"show servers state {backend}", step.timeout))
        return _state(answer, name, socket)


def _told(step: HAProxyStep, found: list[str]) -> str:
    """`HAProxy web/canary on lb1:9999, lb2:9999: weight 10`, or `weight 10, 0` where the nodes differ."""
    values = ", ".join(found[:1] if len(set(found)) == 1 else found)
    value = f"weight {values}" if isinstance(step, HAProxyWeight) else values
    return f"HAProxy {step.server} on {', '.join(step.sockets)}: {value}"


def _wanted(step: HAProxyStep) -> str:
    return str(step.weight) if isinstance(step, HAProxyWeight) else step.state


def _command(step: HAProxyStep) -> str:
    if isinstance(step, HAProxyWeight):
        return f"set weight {_server(step)} {int(step.weight)}"
    return f"set server {_server(step)} state {step.state}"


def _server(step: HAProxyStep) -> str:
    if SERVER.fullmatch(step.server) is None:
        raise Permanent(Cause.invalid, f"{step.server!r} is not backend/server; correct the declaration")
    return step.server


def _state(answer: str, name: str, socket: str) -> str:
    """`show servers state`: a version line, `# be_id be_name …`, then one line for each server."""
    lines = [line for line in answer.splitlines() if line and not line.isdigit()]
    for row in _table("\n".join(lines), " "):
        if row.get("srv_name") == name:
            admin = int(row["srv_admin_state"])
            return "maint" if admin & MAINTENANCE else "drain" if admin & DRAIN else "ready"
    raise Permanent(Cause.missing, f"{socket} has no server {name}; correct the declaration")


def _table(answer: str, delimiter: str = ",") -> csv.DictReader[str]:
    """A table of HAProxy's: `# name,…`, then the rows."""
    return csv.DictReader(io.StringIO(answer.strip().removeprefix("# ")), delimiter=delimiter)


def _check(socket: str, answer: str) -> str:
    """HAProxy answers nothing to a command that worked, and a sentence to one that did not."""
    said = answer.strip().lower()
    if any(word in said for word in MISSING):
        raise Permanent(Cause.missing, f"{socket}: {answer.strip()[:200]}; correct the declaration")
    if any(word in said for word in REFUSED):
        raise Permanent(
            Cause.refused, f"{socket} refused: {answer.strip()[:200]}; set `level admin` on the socket"
        )
    if "static" in said or "invalid" in said or "not compatible" in said:
        raise Permanent(
            Cause.invalid, f"{socket}: {answer.strip()[:200]}; a static balance takes only 0 % or 100 %"
        )
    return answer.strip()


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
            return (await reader.read(LONGEST)).decode(errors="replace")
    except TimeoutError:
        raise Retryable(Cause.timeout, f"{socket} did not answer within {seconds:g} s") from None
    except PermissionError:
        raise Permanent(
            Cause.refused, f"{socket} may not be opened; let the receiver's user write to it"
        ) from None
    except (OSError, ValueError) as error:
        raise Retryable(Cause.unreachable, f"{socket} cannot be reached: {error}") from None


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
        reader, writer = await asyncio.open_connection(address.host, address.port, limit=LONGEST)
    else:
        # A descriptor of its folder stands for a path longer than a socket's name may be.
        folder = os.open(address.path.parent, os.O_PATH)
        try:
            short = f"/proc/self/fd/{folder}/{address.path.name}"
            reader, writer = await asyncio.open_unix_connection(short, limit=LONGEST)
        finally:
            os.close(folder)
    try:
        yield reader, writer
    finally:
        writer.close()
