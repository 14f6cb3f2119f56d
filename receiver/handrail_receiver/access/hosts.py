"""A request's Host header → whether it was sent to us by a name that is ours.

A page of somebody else's can have its own name point to us, and then speak to us as if we were that page's server.
It has no token of ours; but where none is needed, or where people look, the name must be ours. An address in digits
is nobody's name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

ANYBODY_S = ("/healthz", "/readyz")
MACHINES = ("/api/", "/webhooks/", "/metrics", "/openapi.json", *ANYBODY_S)
"""What programs ask by whatever name they know; all else is for people, a page that is added included."""


@dataclass(frozen=True)
class Hosts:
    """The names that are ours; `everywhere` they are asked for when no token is, else only where people look.

    Without any name, where a token is needed, nothing is refused: nobody has said what we are called.
    """

    names: frozenset[str]
    everywhere: bool

    def asks(self, path: str) -> bool:
        """Whether the name matters for `path`."""
        if self.everywhere:
            return path not in ANYBODY_S
        return bool(self.names) and not path.startswith(MACHINES)

    def refuses(self, path: str, host: str) -> bool:
        """Whether a request for `path` was sent to a name that is not ours."""
        return self.asks(path) and not self._is_ours(host)

    def _is_ours(self, host: str) -> bool:
        name = _name(host)
        if name == "localhost" or name.endswith(".localhost") or name in self.names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def hosts_of(addresses: Iterable[str], *, everywhere: bool) -> Hosts:
    """The names in these addresses, `http://host` or `host:port`."""
    names = (urlsplit(one if "//" in one else f"//{one}").hostname for one in addresses if one)
    return Hosts(frozenset(name for name in names if name), everywhere)


def host_in(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The Host header, empty without one."""
    return next((value.decode("latin-1") for name, value in headers if name == b"host"), "")


def _name(host: str) -> str:
    """The name in a Host header, empty where there is none."""
    if not host.isascii() or not host.isprintable() or set(host) & set("/?#@\\ "):
        return ""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""
