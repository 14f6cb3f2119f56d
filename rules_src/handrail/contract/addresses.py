"""Checked texts that leave the program: addresses, headers, names of secrets."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator

from handrail.base import declared


def like(pattern: str, what: str) -> AfterValidator:
    """A check that a whole text matches `pattern`; `what` says what to write instead."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"this does not fit; write {what}")
        return text

    return AfterValidator(check)


Url = Annotated[
    str, like(r"https?://[^\s/@?#]+([/?#]\S*)?", "http:// or https://, a host, no user and no password")
]
BaseUrl = Annotated[
    str, like(r"https?://[^\s/@?#{}]+(/[^\s?#{}]*)?", "http:// or https://, a host, and perhaps a path")
]
"""An address to which a path is added."""
PORTS = {"http": ":80", "https": ":443"}


def normal(url: str) -> str:
    """The one text of all addresses that mean the same by HTTP (RFC 3986, 6.2): the host in small letters, without the
    port that the scheme has anyway and without a fragment, `/` for no path. `/a` and `/a/` stay two.
    """
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    host = host.lower().removesuffix(PORTS[parts.scheme])
    return urlunsplit((parts.scheme, user + at + host, parts.path or "/", parts.query, ""))


def normal_base(url: str) -> str:
    """The same of an address to which a path is added: it has no `/` at its end."""
    return normal(url).rstrip("/")


NormalUrl = Annotated[Url, AfterValidator(normal)]
"""The address of a thing that is compared: two texts for one thing would be two things."""
NormalBase = Annotated[BaseUrl, AfterValidator(normal_base)]
"""The same, for an address to which a path is added."""
HostPort = Annotated[str, like(r"[^\s/@?#]+", "host:port, without http:// and without a path")]
HeaderName = Annotated[str, like(r"[A-Za-z][A-Za-z0-9-]*", "a header's name, such as X-Api-Key")]
Scheme = Annotated[str, like(r"[\x21-\x7e]*", "one word, such as Bearer, or nothing")]


@declared
class Secret:
    """The name of a secret; the receiver reads it from its secrets folder or `HANDRAIL_SECRET_<NAME>`."""

    name: Annotated[
        str, like(r"[A-Za-z][A-Za-z0-9_]*", "its name of letters, digits and _, like SLACK_TOKEN")
    ]
