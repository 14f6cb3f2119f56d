"""Checked texts that leave the program: addresses, headers, names of secrets."""

from __future__ import annotations

import re
from typing import Annotated

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
HostPort = Annotated[str, like(r"[^\s/@?#]+", "host:port, without http:// and without a path")]
HeaderName = Annotated[str, like(r"[A-Za-z][A-Za-z0-9-]*", "a header's name, such as X-Api-Key")]
Scheme = Annotated[str, like(r"[\x21-\x7e]*", "one word, such as Bearer, or nothing")]


@declared
class Secret:
    """The name of a secret; the receiver reads it from its secrets folder or `HANDRAIL_SECRET_<NAME>`."""

    name: Annotated[
        str, like(r"[A-Za-z][A-Za-z0-9_]*", "its name of letters, digits and _, like SLACK_TOKEN")
    ]
