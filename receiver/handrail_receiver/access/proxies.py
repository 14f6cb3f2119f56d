"""A request that came through a proxy of ours → the person whom the proxy has checked, and the roles of their groups.

The proxy says who it is in headers. They count from the declared addresses alone: anybody can write a header. What is
doubtful (two users in one request, a name that cannot be shown) is nobody.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from starlette.datastructures import Headers

from handrail_receiver.access.tokens import MAY, ROLES, Caller, Role
from handrail_receiver.gates.gate import NO_TOKEN, Approver

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LONGEST_NAME = 200
FOR_PEOPLE: tuple[Role, ...] = tuple(role for role in ROLES if role != "alertmanager")


@dataclass(frozen=True)
class GroupRole:
    """What the members of a group may do; of an approver, as whom (empty: as anybody)."""

    group: str
    role: Role
    only: str = ""

    @cached_property
    def approver(self) -> Approver:
        """Who approves by this line: it counts for as long as the line stands."""
        text = f"group:{self.group}:{self.role}:{self.only}"
        return Approver(hashlib.sha256(text.encode()).hexdigest()[:16], self.only)


@dataclass(frozen=True)
class Proxies:
    """The proxies that are believed, in which headers they say who somebody is, and what the groups may do."""

    networks: tuple[Network, ...] = ()
    user_header: str = "x-forwarded-user"
    groups_header: str = "x-forwarded-groups"
    certificate_header: str = ""
    roles: tuple[GroupRole, ...] = ()

    def caller(self, peer: str, headers: Headers) -> Caller | None:
        """The person a proxy speaks for; None where none does."""
        if not self._believed(peer):
            return None
        person = self._by_header(headers) or self._by_certificate(headers)
        if person is None:
            return None
        name, groups = person
        mine = [one for one in self.roles if one.group in groups]
        may = frozenset(role for one in mine for role in MAY[one.role])
        approvers = tuple(one.approver for one in mine if one.role == "approver")
        return Caller(name, may, approvers or (NO_TOKEN,))

    def approvers(self) -> frozenset[Approver]:
        """Who may approve by their group."""
        return frozenset(one.approver for one in self.roles if one.role == "approver")

    def _believed(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in network for network in self.networks)

    def _by_header(self, headers: Headers) -> tuple[str, frozenset[str]] | None:
        name = _one(headers, self.user_header)
        if not name:
            return None
        groups = ",".join(headers.getlist(self.groups_header))
        return name, frozenset(filter(None, (part.strip() for part in groups.split(","))))

    def _by_certificate(self, headers: Headers) -> tuple[str, frozenset[str]] | None:
        """The subject of a client certificate: its CN is the name, its OUs are the groups."""
        subject = _one(headers, self.certificate_header) if self.certificate_header else ""
        parts = _parts(subject)
        names = parts.get("CN", [])
        return (names[0], frozenset(parts.get("OU", []))) if len(names) == 1 and names[0] else None


def _one(headers: Headers, name: str) -> str:
    """The one value of a header; empty where there is none, several, or one that nobody could read."""
    values = headers.getlist(name)
    value = values[0].strip() if len(values) == 1 else ""
    return value if value.isprintable() and len(value) <= LONGEST_NAME else ""


def _parts(subject: str) -> Mapping[str, list[str]]:
    """`CN=alice,OU=sre,O=Example` → its parts. A subject with escapes is not taken apart: it is nobody's."""
    parts: dict[str, list[str]] = {}
    if "\\" in subject or '"' in subject or "+" in subject:
        return parts
    for part in subject.split(","):
        kind, _, value = part.partition("=")
        parts.setdefault(kind.strip().upper(), []).append(value.strip())
    return parts


def networks_of(written: Iterable[str]) -> tuple[tuple[Network, ...], list[str]]:
    """Addresses and networks as they are set, and a line for each that is none."""
    networks, wrong = [], []
    for one in written:
        try:
            network = ipaddress.ip_network(one)
        except ValueError:
            wrong.append(
                f"{one!r} is neither an address nor a network; write for example 10.0.0.5 or 10.0.0.0/28"
            )
            continue
        if network.prefixlen == 0:
            wrong.append(f"{one} is everybody, who could then be anybody; name the proxies")
        networks.append(network)
    return tuple(networks), wrong


def roles_of(written: Iterable[str]) -> tuple[tuple[GroupRole, ...], list[str]]:
    """`GROUP=ROLE` as it is set, and a line for each that is none."""
    roles, wrong = [], []
    for one in written:
        group, _, word = one.rpartition("=")
        known, colon, only = word.partition(":")
        role = next((role for role in FOR_PEOPLE if role == known), None)
        if not group.strip() or role is None or (colon and not (role == "approver" and only)):
            wrong.append(
                f"{one!r} is not GROUP=ROLE; a role is one of {', '.join(FOR_PEOPLE)}, or approver:ROLE"
            )
        else:
            roles.append(GroupRole(group.strip(), role, only))
    return tuple(roles), wrong
