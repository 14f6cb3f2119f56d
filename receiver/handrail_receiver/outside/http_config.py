"""A file in the form of Prometheus' `http_config` → how to log in, or all that is wrong in the file.

It is the file that promtool and amtool take as `--http.config.file`. Paths in it are seen from its folder. What
would weaken a login (`insecure_skip_verify`) or needs a round of its own (`oauth2`) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

Hidden = str | Path
"""A secret: the word itself, or the file that holds it and is read again each time."""

NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
OURS = {
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "proxy-authorization",
    "transfer-encoding",
}
CURES = {
    "insecure_skip_verify": "certificates are always checked; name the authority in ca_file",
    "bearer_token": "write `authorization:` with `credentials:` below it",
    "bearer_token_file": "write `authorization:` with `credentials_file:` below it",
    "proxy_url": "nothing is sent through a proxy; let the receiver reach the address itself",
    "proxy_from_environment": "nothing is sent through a proxy; let the receiver reach the address itself",
    "no_proxy": "nothing is sent through a proxy; remove it",
    "proxy_connect_header": "nothing is sent through a proxy; remove it",
    "follow_redirects": "redirects are not followed; give the final address",
    "enable_http2": "HTTP/1.1 is spoken; remove it",
    "sigv4": "requests cannot be signed here; put a proxy that signs them before the address",
    "oauth2": "it cannot be done here; have the token written into a file and name that in authorization.credentials_file",
}
UNKNOWN = "there is no such key; `handrail docs receiver` has all of them"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _one(name: str, word: str | None, file: Path | None) -> Hidden:
    if word is not None and file is None:
        return word
    if file is not None and word is None:
        return file
    raise ValueError(f"give {name} or {name}_file, one of the two")


class BasicAuth(_Part):
    """A user and a password."""

    username: str
    password: str | None = None
    password_file: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.username or ":" in self.username:
            raise ValueError("a username is a word without a colon; correct it")
        _one("password", self.password, self.password_file)
        return self

    @property
    def hidden(self) -> Hidden:
        """The password."""
        return _one("password", self.password, self.password_file)


class Authorization(_Part):
    """A token in the header `Authorization`, after the word `type`."""

    type: str = "Bearer"
    credentials: str | None = None
    credentials_file: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not NAME.fullmatch(self.type) or self.type.lower() == "basic":
            raise ValueError("type is a word such as Bearer; for a user and a password write basic_auth")
        _one("credentials", self.credentials, self.credentials_file)
        return self

    @property
    def hidden(self) -> Hidden:
        """The token."""
        return _one("credentials", self.credentials, self.credentials_file)


class TlsConfig(_Part):
    """Whom we trust there (`ca_file` alone, when it is given), and the certificate by which we are known."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str | None = None
    insecure_skip_verify: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.insecure_skip_verify:
            raise ValueError(CURES["insecure_skip_verify"])
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together; give both or neither")
        return self

    @property
    def files(self) -> tuple[Path, ...]:
        """All that it names."""
        return tuple(file for file in (self.ca_file, self.cert_file, self.key_file) if file)


class Header(_Part):
    """What one header carries: `values` may be shown to anybody, `secrets` and what is in `files` to nobody."""

    values: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not (self.values or self.hidden):
            raise ValueError("give values, secrets or files")
        if not all(value.isprintable() and value.isascii() for value in self.values):
            raise ValueError("a value is printable ASCII; correct it")
        return self

    @property
    def hidden(self) -> tuple[Hidden, ...]:
        """Those of its values that are secret."""
        return (*self.secrets, *self.files)


class HttpConfig(_Part):
    """How to log in at one address; empty: not at all."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    tls_config: TlsConfig | None = None
    http_headers: dict[str, Header] = Field(default_factory=dict)

    @field_validator("http_headers")
    @classmethod
    def _free(cls, headers: dict[str, Header]) -> dict[str, Header]:
        wrong = [name for name in headers if not NAME.fullmatch(name) or name.lower() in OURS]
        if wrong:
            names = ", ".join(wrong)
            raise ValueError(
                f"{names} cannot be set here; write authorization for a token, basic_auth for a password"
            )
        return headers

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.basic_auth and self.authorization:
            raise ValueError("basic_auth and authorization want the same header; give one of the two")
        return self

    def hidden(self) -> Iterator[Hidden]:
        """Every secret that a request carries."""
        if self.basic_auth:
            yield self.basic_auth.hidden
        if self.authorization:
            yield self.authorization.hidden
        for header in self.http_headers.values():
            yield from header.hidden


def read_http_config(file: Path) -> tuple[HttpConfig, list[str]]:
    """The login that a file holds, and what is wrong with how it is written."""
    try:
        written = yaml.safe_load(file.read_text(encoding="utf-8"))
        return HttpConfig.model_validate(_placed({} if written is None else written, file.parent)), []
    except OSError as error:
        return HttpConfig(), [
            f"{file} cannot be read ({error.strerror}); correct the path, or make it readable"
        ]
    except (yaml.YAMLError, ValueError) as error:
        problems = (
            error.errors(include_url=False, include_input=False) if isinstance(error, ValidationError) else ()
        )
        return HttpConfig(), [f"{file}: {_said(item)}" for item in problems] or [
            f"{file} is no YAML; write it as Prometheus' http_config"
        ]


def _placed(written: Any, folder: Path) -> Any:
    """The same with every path in it seen from the file's folder."""
    if not isinstance(written, dict):
        return written
    return {name: _path(name, value, folder) for name, value in written.items()}


def _path(name: object, value: Any, folder: Path) -> Any:
    if isinstance(value, str) and str(name).endswith("_file"):
        return folder / value
    if isinstance(value, list) and name == "files":
        return [folder / str(one) for one in value]
    return _placed(value, folder)


def _said(item: Any) -> str:
    place = ".".join(map(str, item["loc"]))
    if item["type"] == "extra_forbidden":
        return f"{place}: {CURES.get(str(item['loc'][-1]), UNKNOWN)}"
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
