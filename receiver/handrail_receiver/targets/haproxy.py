"""HAProxyWeight and HAProxyState → commands for HAProxy's Runtime API, on each node of the step.

The effect lasts until HAProxy is reloaded. What is sent comes from the playbook, is checked again here, and can
hold no line end and no second command.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from dataclasses import dataclass

from handrail.contract import HAProxyState, HAProxyWeight

from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.ports import Reading, Rehearsal
from handrail_receiver.targets.haproxy_servers import Server, servers_in
from handrail_receiver.targets.haproxy_socket import ask

__all__ = ["HAProxy", "ask"]

HAProxyStep = HAProxyWeight | HAProxyState
SERVER = re.compile(r"[A-Za-z0-9_.:-]+/[A-Za-z0-9_.:-]+")
BACKENDS = 2  # as `show stat` counts kinds of lines
HASHES = frozenset({"source", "uri", "url_param", "hdr", "rdp-cookie", "hash"})
MISSING = ("no such server", "no such backend", "can't find", "require 'backend/server'")
REFUSED = ("permission denied", "unknown command")


class HAProxy:
    """HAProxy nodes, each asked through its own socket: `unix:PATH` or `HOST:PORT`."""

    async def rehearse(self, step: HAProxyStep) -> Rehearsal:
        """Each node must know the server, let us do more than look, take the value, and keep it."""
        call = "; ".join(f"{socket}: {_command(step)}" for socket in step.sockets)
        checked = await asyncio.gather(
            *(_check_node(step, socket) for socket in step.sockets), return_exceptions=True
        )
        for error in checked:
            if isinstance(error, BaseException) and not isinstance(error, TargetError):
                raise error
        wrong = [error for error in checked if isinstance(error, TargetError)]
        if wrong:
            return Rehearsal(False, "; ".join(map(str, wrong)), step, call, wrong[0].cause)
        nodes = [node for node in checked if isinstance(node, _HAProxyNode)]
        warnings = dict.fromkeys(one for node in nodes for one in node.warnings)
        notes = dict.fromkeys(one for node in nodes for one in node.notes)
        known = f"{step.server} is there" + (f" on {len(step.sockets)} nodes" if step.sockets[1:] else "")
        return Rehearsal(True, "; ".join([known, *notes, *warnings]), step, call, warning="; ".join(warnings))

    async def read(self, step: HAProxyStep) -> Reading:
        """What every node says now; done when all of them are as asked."""
        nodes = await asyncio.gather(*(_servers(step, socket) for socket in step.sockets))
        own = [_own(step, servers, socket) for servers, socket in zip(nodes, step.sockets, strict=True)]
        warnings = [
            f"{socket}: {warning}"
            for servers, socket in zip(nodes, step.sockets, strict=True)
            for warning in _against(step, servers)
        ]
        return Reading(
            done=all(_value(step, server) == _wanted(step) for server in own),
            found=_told(step, [_shown(step, server) for server in own]),
            warning="; ".join(warnings),
        )

    async def act(self, step: HAProxyStep) -> None:
        """Tell every node, whatever one of them does; then raise the failure that is worth another try, or the first."""
        told = await asyncio.gather(*(_tell(step, socket) for socket in step.sockets), return_exceptions=True)
        failed = [error for error in told if error is not None]
        if failed:
            raise next((error for error in failed if isinstance(error, Retryable)), failed[0])


@dataclass(frozen=True)
class _HAProxyNode:
    """What is to be said of a node on which the step can be done: what is not known, and what speaks against it."""

    notes: list[str]
    warnings: list[str]


async def _check_node(step: HAProxyStep, socket: str) -> _HAProxyNode:
    """Raises what keeps the step from working on a node, or from holding there."""
    servers = await _servers(step, socket)
    own = _own(step, servers, socket)
    # Setting a weight needs `level admin`; asked without a value it changes nothing and says which.
    answer = await ask(socket, f"set server {_server(step)} weight", step.timeout)
    if any(word in answer.lower() for word in REFUSED):
        raise Permanent(Cause.refused, f"{socket} allows reading only; set `level admin` on it")
    if isinstance(step, HAProxyWeight) and own.agent:
        raise Permanent(Cause.conflict, f"{socket}: {_agent(step)}")
    return _HAProxyNode(
        await _balance(step, own, socket), [f"{socket}: {one}" for one in _against(step, servers)]
    )


async def _balance(step: HAProxyStep, own: Server, socket: str) -> list[str]:
    """What is to be said of the balance: a static one takes no weight but 0 and the one it began with."""
    if isinstance(step, HAProxyState) or step.weight in {0, own.initial}:
        return []
    backend, name = _server(step).split("/")
    # Without an address it adds nothing; what it complains of first is a static balance.
    said = (await ask(socket, f"add server {backend}/{name}", step.timeout)).lower()
    if "expects <name>" in said:
        return []
    stats = _table(await ask(socket, f"show stat {backend} {BACKENDS} -1", step.timeout))
    balance = next((row.get("algo", "") for row in stats if row.get("pxname") == backend), "")
    if "dynamic load balancing" in said or balance == "static-rr":
        raise Permanent(
            Cause.invalid,
            f"{socket} has a static balance in {backend} ({balance}), which takes no weight at run time but 0 and "
            f"the initial {own.initial}; set {step.weight} in its configuration, or use roundrobin or "
            f"`hash-type consistent`",
        )
    if balance not in HASHES:
        return []
    return [f"`balance {balance}` takes it only with `hash-type consistent`, which only the real call tells"]


async def _servers(step: HAProxyStep, socket: str) -> tuple[Server, ...]:
    backend = _server(step).partition("/")[0]
    answer = await ask(socket, f"show servers state {backend}", step.timeout)
    if not answer.startswith("1\n"):
        _refuse(socket, answer)
    return servers_in(answer, socket)


async def _tell(step: HAProxyStep, socket: str) -> None:
    _refuse(socket, await ask(socket, _command(step), step.timeout))


def _own(step: HAProxyStep, servers: tuple[Server, ...], socket: str) -> Server:
    name = _server(step).partition("/")[2]
    for server in servers:
        if server.name == name:
            return server
    raise Permanent(Cause.missing, f"{socket} has no server {name}; correct the declaration")


def _against(step: HAProxyStep, servers: tuple[Server, ...]) -> list[str]:
    """What speaks against a step on a node, although it can be done there."""
    backend, name = _server(step).split("/")
    own = next(server for server in servers if server.name == name)
    others = [server for server in servers if server.name != name]
    reasons = []
    if own.agent and (isinstance(step, HAProxyWeight) or step.state != "maint"):
        reasons.append(_agent(step))
    if _hindered(step, own):
        reasons.append(f"{step.server} is {own.hindrance}: it takes no traffic, whatever its weight")
    if not _serves(step) and others and all(server.hindrance for server in others):
        said = ", ".join(f"{server.name} is {server.hindrance}" for server in others)
        reasons.append(f"no other server of {backend} takes traffic: {said}")
    return reasons


def _agent(step: HAProxyStep) -> str:
    return (
        f"{step.server} has an agent-check, which sets its weight and state again at each answer; use HAProxyState "
        f"with maint, or end it (`disable agent {step.server}`)"
    )


def _serves(step: HAProxyStep) -> bool:
    """Whether the step is to give its server traffic."""
    return step.weight > 0 if isinstance(step, HAProxyWeight) else step.state == "ready"


def _hindered(step: HAProxyStep, own: Server) -> bool:
    """Whether the server would take nothing although the step gives it traffic."""
    changes = isinstance(step, HAProxyState) and own.hindrance != "DOWN"
    return _serves(step) and bool(own.hindrance) and not changes


def _value(step: HAProxyStep, server: Server) -> str:
    return str(server.weight) if isinstance(step, HAProxyWeight) else server.state


def _shown(step: HAProxyStep, server: Server) -> str:
    """The value, and why its server takes nothing where it should."""
    return _value(step, server) + (f" ({server.hindrance})" if _hindered(step, server) else "")


def _told(step: HAProxyStep, states: list[str]) -> str:
    """`HAProxy web/canary on lb1:9999, lb2:9999: weight 10`, or `weight 10, 0` where the nodes differ."""
    values = ", ".join(states[:1] if len(set(states)) == 1 else states)
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


def _table(answer: str) -> csv.DictReader[str]:
    """A table of HAProxy's: `# name,…`, then the rows."""
    return csv.DictReader(io.StringIO(answer.strip().removeprefix("# ")))


def _refuse(socket: str, answer: str) -> None:
    """HAProxy answers an empty line to a command that worked, and a sentence to one that did not."""
    said = answer.strip().lower()
    if not answer:
        raise Retryable(Cause.broken, f"{socket} closed without an answer")
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
