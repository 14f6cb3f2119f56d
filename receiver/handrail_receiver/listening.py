"""An address → the sockets that listen there, or why nobody can."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress

from handrail_receiver.errors import WrongSettings

BACKLOG = 2048
Address = tuple[str | int, ...] | tuple[int, bytes]
"""An address as the sockets of its family take it."""

CURES = {
    errno.EADDRINUSE: "another program listens there; end it, or choose another port",
    errno.EADDRNOTAVAIL: "this machine has no such address; write one that it has, or 0.0.0.0 for all of them",
    errno.EACCES: "this user may not listen there; choose a port from 1024 on",
}


def listen(host: str, port: int) -> list[socket.socket]:
    """A socket for each address that `host` stands for; port 0 takes a free one.

    Raises WrongSettings when it cannot be obtained.
    """
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise WrongSettings(
            f"HANDRAIL_ADDRESS: nobody knows the name {host!r}; write an address of this machine, or 0.0.0.0 for all"
        ) from None
    made: list[socket.socket] = []
    refused: OSError | None = None
    for family, _, _, _, address in dict.fromkeys(infos):
        try:
            made.append(_listening(family, address))
        except OSError as error:
            refused = error
            if error.errno != errno.EADDRNOTAVAIL:  # of a name's addresses the machine may have only some
                break
    if made and (refused is None or refused.errno == errno.EADDRNOTAVAIL):
        return made
    for one in made:
        one.close()
    number = refused.errno if refused and refused.errno else 0
    why = CURES.get(number, f"{refused}; choose another address")
    shown = f"[{host}]" if ":" in host else host
    raise WrongSettings(f"HANDRAIL_ADDRESS: {shown}:{port}: {why}")


def cannot_listen(host: str, port: int) -> str:
    """Why nobody can listen there; empty when one can."""
    try:
        for one in listen(host, port):
            one.close()
    except WrongSettings as error:
        return str(error)
    return ""


def _listening(family: int, address: Address) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            with suppress(OSError):
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen(BACKLOG)
    except BaseException:
        made.close()
        raise
    return made
