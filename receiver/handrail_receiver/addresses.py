"""An address with or without a user and a password in it → the address that may be shown, and the login apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import BeforeValidator

USERINFO = re.compile(r"^([a-z][a-z0-9+.-]*://)([^/?#]*)@", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """Where somebody is asked: `url` holds no password, and so can be in any log, page or metric."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return self.url


def address(value: object) -> object:
    """`http://user:password@host:port` → its parts. Raises ValueError for what is no address, without repeating it."""
    if isinstance(value, Address):
        return value
    if not isinstance(value, str):
        raise ValueError('it is not one address; write "http://host:port"')  # noqa: TRY004  pydantic knows ValueError
    url, credentials = shown(value), USERINFO.match(value)
    if "@" in url:
        raise ValueError(
            "it has an @ beside its host; write %40 for one, %2F for a / and %23 for a # in a password"
        )
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url!r} is not an address; write http://host:port")
    if credentials is None:
        return Address(url)
    user, _, password = credentials[2].partition(":")
    return Address(url, unquote(user), unquote(password))


def shown(url: str) -> str:
    """An address as it may be shown: without a user and a password."""
    return USERINFO.sub(r"\1", url)


def passwords_in(url: str) -> list[str]:
    """Every password in an address, as it is written there and as it is meant."""
    credentials = USERINFO.match(url)
    written = [credentials[2].partition(":")[2]] if credentials else []
    written += [value for name, value in parse_qsl(urlsplit(url).query) if name == "password"]
    return sorted({one for word in written if word for one in (word, unquote(word))}, key=len, reverse=True)


def without_password(text: str, url: str) -> str:
    """What somebody says of an address, without the password in it."""
    for password in passwords_in(url):
        text = text.replace(password, "…")
    return text


HttpAddress = Annotated[Address, BeforeValidator(address)]
