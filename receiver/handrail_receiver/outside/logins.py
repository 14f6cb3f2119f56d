"""Where we ask, and how to log in there → what each request carries, read again each time.

A token or a password counts as soon as its file has changed, a certificate with the next connection. A file that
is gone, empty or unreadable is said; what was in it before is not used any more.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from handrail_receiver.certificates import as_prometheus_verifies
from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside.http_config import HttpConfig, TlsConfig
from handrail_receiver.secrets import Secrets


def trusting(authorities: Path | None) -> ssl.SSLContext:
    """TLS that is verified against the public authorities; `authorities` count as well."""
    context = as_prometheus_verifies(httpx.create_ssl_context(trust_env=False))
    if authorities is not None:
        context.load_verify_locations(authorities)
    return context


USED_AGAIN_WITHIN = 2.0
"""Seconds; uvicorn, Node and others close what is idle after five."""


def client_of(context: ssl.SSLContext) -> httpx.AsyncClient:
    """A client that takes nothing from the environment, and lets nobody wait for another's connection.

    Answers come as they are: what is packed could be a thousand times as long as what was sent. A connection is used
    again for a shorter time than servers keep it: one that the server closes just then looks like a service that is down.
    """
    return httpx.AsyncClient(
        trust_env=False,
        verify=context,
        headers={"accept-encoding": "identity"},
        limits=httpx.Limits(
            max_connections=None, max_keepalive_connections=20, keepalive_expiry=USED_AGAIN_WITHIN
        ),
    )


def wrong_in(config: HttpConfig) -> Iterator[str]:
    """What is wrong with the files and the secrets that a login names, each with its cure."""
    secrets, tls = Secrets(None, {}), config.tls_config or TlsConfig()
    unread = [*_problems(*(partial(secrets.read, hidden) for hidden in config.hidden()))]
    yield from unread or _problems(Login(config, secrets, None).headers)
    unread = [*_problems(*(partial(_readable, file) for file in tls.files))]
    yield from unread or _problems(partial(_context, tls, None))


def _problems(*tried: Callable[[], object]) -> Iterator[str]:
    for one in tried:
        try:
            one()
        except Permanent as problem:
            yield str(problem)


@dataclass
class _Client:
    """A client, what its certificates were like when it was made, and how many requests use it now."""

    http: httpx.AsyncClient
    stamp: object
    used: int = 0


class Login:
    """One way to log in. `authorities` count where it names none of its own."""

    def __init__(self, config: HttpConfig, secrets: Secrets, authorities: Path | None) -> None:
        self._config, self._secrets, self._authorities = config, secrets, authorities
        self._client: _Client | None = None

    def headers(self) -> list[tuple[str, str]]:
        """What a request carries. Raises Permanent when a secret cannot be read."""
        read, config = self._secrets.read, self._config
        headers = [
            (name, value)
            for name, header in config.http_headers.items()
            for value in (*header.values, *map(read, header.hidden))
        ]
        if config.basic_auth:
            pair = f"{config.basic_auth.username}:{read(config.basic_auth.hidden)}"
            headers.append(("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"))
        if config.authorization:
            headers.append(
                ("Authorization", f"{config.authorization.type} {read(config.authorization.hidden)}")
            )
        unfit = [name for name, value in headers if not (value.isascii() and value.isprintable())]
        if unfit:
            raise Permanent(
                Cause.invalid,
                f"the value of {unfit[0]} is not one line of ASCII; correct its file",
            )
        return headers

    @property
    def extensions(self) -> dict[str, str]:
        """The name that the other side's certificate must have, where it is not the address's."""
        name = self._config.tls_config.server_name if self._config.tls_config else None
        return {"sni_hostname": name} if name else {}

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """The client to ask with. Raises Permanent when a certificate cannot be used."""
        mine = await self._fresh()
        mine.used += 1
        try:
            yield mine.http
        finally:
            mine.used -= 1
            if mine is not self._client and not mine.used:
                await mine.http.aclose()

    async def _fresh(self) -> _Client:
        tls = self._config.tls_config or TlsConfig()
        stamp = [_stamp(file) for file in tls.files]
        if self._client is None or stamp != self._client.stamp:
            before, self._client = self._client, _Client(client_of(_context(tls, self._authorities)), stamp)
            if before is not None and not before.used:
                await before.http.aclose()
        return self._client

    async def aclose(self) -> None:
        """Close every connection."""
        if self._client is not None:
            await self._client.http.aclose()


@dataclass(frozen=True)
class Service:
    """An address that is asked, the setting that says how to log in there, and the login, if one is needed."""

    address: str
    setting: str
    login: Login | None = None

    def covers(self, url: str) -> bool:
        """Whether `url` lies at or below the address."""
        base = self.address.rstrip("/")
        return url.startswith(base) and url[len(base) : len(base) + 1] in {"", "/", "?"}


@dataclass(frozen=True)
class Logins:
    """Every place with a login of its own."""

    places: Sequence[Service] = ()

    def of(self, url: str) -> Service | None:
        """The place where `url` lies: the innermost, when one lies inside another."""
        return max(
            (place for place in self.places if place.covers(url)),
            key=lambda place: len(place.address),
            default=None,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        for place in self.places:
            if place.login is not None:
                await place.login.aclose()


def _context(tls: TlsConfig, authorities: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if tls.ca_file else trusting(authorities)
    try:
        if tls.ca_file:
            context.load_verify_locations(tls.ca_file)
    except OSError as error:
        raise _unusable(tls.ca_file, error, "give certificates in PEM") from None
    try:
        if tls.cert_file and tls.key_file:
            # Without a password of ours it would be asked for on the terminal.
            context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: "")
    except OSError as error:
        raise _unusable(
            tls.cert_file, error, f"give the key {tls.key_file} that fits, without a password"
        ) from None
    return context


def _unusable(file: Path | None, error: OSError, cure: str) -> Permanent:
    why = getattr(error, "reason", None) or error.strerror or type(error).__name__
    return Permanent(Cause.invalid, f"{file} cannot be used ({why}); {cure}")


def _readable(file: Path) -> None:
    try:
        file.read_bytes()
    except OSError as error:
        why = f"{file} cannot be read ({error.strerror}); correct the path, or make it readable"
        raise Permanent(Cause.missing, why) from None


def _stamp(file: Path) -> object:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
