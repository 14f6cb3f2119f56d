"""Command-line words and variables → a connection to a running receiver, and its answers or why there is none."""

from __future__ import annotations

import json
import os
import ssl
import sys
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from handrail_receiver.addresses import shown
from handrail_receiver.certificates import as_prometheus_verifies
from handrail_receiver.errors import ReceiverError, WrongSettings
from handrail_receiver.unreached import why_unreached

T = TypeVar("T")
NO_RECEIVER = "not a Handrail receiver; check --url, or HANDRAIL_URL"


LATER = 0.1
"""Time for httpx to say by itself what lasted too long."""
SLOW = 2.0
"""Seconds without an answer after which people ask themselves whether anything happens."""


class NoAnswer(ReceiverError):
    """The receiver does not answer; the text says what to do."""


@dataclass(frozen=True)
class ApiClient:
    """A receiver at an address, with whatever it knows us by."""

    address: str
    headers: dict[str, str]
    context: ssl.SSLContext

    @property
    def with_token(self) -> bool:
        """Whether we have a token."""
        return bool(self.headers)

    def ask(
        self,
        call: Callable[[httpx.Client], httpx.Response],
        longest: float,
        meanwhile: str,
        *,
        says_slow: bool = False,
    ) -> httpx.Response:
        """What it answers within `longest` seconds; `meanwhile` says how to see the result. Raises NoAnswer.

        With `says_slow`, whoever sits at a terminal is told when it takes longer than a moment.
        """

        def asked() -> httpx.Response:
            with httpx.Client(
                base_url=self.address, headers=self.headers, timeout=longest, verify=self.context
            ) as client:
                return call(client)

        try:
            slow = f"{shown(self.address)} has not answered yet; waiting for {longest:g} s at most"
            return _within(longest + LATER, asked, slow if says_slow and sys.stderr.isatty() else "")
        except (httpx.ReadTimeout, TimeoutError):
            said = (
                f"{shown(self.address)} did not answer within {round(longest, 1):g} s and may still be at it"
            )
            raise NoAnswer(f"{said}; {meanwhile}") from None
        except httpx.HTTPError as error:
            cure = "start it with `handrail serve` or set HANDRAIL_URL"
            if self.address.startswith("https://"):
                cure += "; where it asks for a certificate, give --cert and --key, and --ca for an authority of your own"
            raise NoAnswer(f"{shown(self.address)} did not answer ({why_unreached(error)}); {cure}") from None


def api_client(
    url: str | None, token: str | None, cert: str | None, key: str | None, ca: str | None
) -> ApiClient:
    """The receiver that the words mean, or the variables where there are none. Raises WrongSettings with one line."""
    address = (url or os.environ.get("HANDRAIL_URL") or "http://127.0.0.1:8080").rstrip("/")
    if not address.lower().startswith(("http://", "https://")):
        raise WrongSettings(
            f"{'--url' if url else 'HANDRAIL_URL'}: {shown(address)!r} is not an address; write http://host:port"
        )
    token = token or _token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return ApiClient(address, headers, _context(address, cert, key, ca))


def json_of(answer: httpx.Response, *needed: str) -> dict[str, Any]:
    """What was said, with `error` where it is a refusal or no answer of a receiver: that has all that is `needed`."""
    try:
        said = answer.json()
    except json.JSONDecodeError:
        said = None
    if isinstance(said, dict) and ("error" in said or set(needed) <= set(said)):
        return said
    return {"error": f"{answer.status_code}: {NO_RECEIVER}"}


def unknown_token(client: ApiClient) -> str:
    """What to do where it does not know us."""
    file = os.environ.get("HANDRAIL_TOKEN_FILE")
    if not client.with_token:
        return "no token was given; put yours into a file and name it in HANDRAIL_TOKEN_FILE"
    which = f"the token in {file}" if file else "this token"
    return f"{shown(client.address)} does not know {which}; put yours into a file and name it in HANDRAIL_TOKEN_FILE"


def _within(longest: float, call: Callable[[], T], slow: str) -> T:
    """What it gives within so many seconds of all: httpx bounds each read, but not how many, nor the look-up of a name.

    `slow` is said when it takes longer than SLOW.
    """
    answer: Future[T] = Future()

    def called() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001, raised by whoever waits
            answer.set_exception(error)

    Thread(target=called, daemon=True).start()
    first = min(SLOW, longest) if slow else 0.0
    if slow and not wait([answer], first).done:
        print(slow, file=sys.stderr, flush=True)  # noqa: T201
    return answer.result(longest - first)


def _token() -> str:
    file = os.environ.get("HANDRAIL_TOKEN_FILE")
    if not file:
        return os.environ.get("HANDRAIL_TOKEN", "")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSettings(
            f"HANDRAIL_TOKEN_FILE: {file} cannot be read ({getattr(error, 'strerror', None) or 'it is no text'}); "
            "name a file that holds your token and nothing else"
        ) from None


def _context(address: str, cert: str | None, key: str | None, ca: str | None) -> ssl.SSLContext:
    """TLS as the options say, or the variables. Raises WrongSettings with one line that says what is wrong.

    For an address without TLS no public authorities are read: that takes longer than most calls.
    """
    paths = {"cert": cert, "key": key, "ca": ca}
    files = {word: file or os.environ.get(f"HANDRAIL_{word.upper()}") or "" for word, file in paths.items()}
    if bool(files["cert"]) != bool(files["key"]):
        raise WrongSettings("--cert and --key belong together; give both or neither")
    plain = urlsplit(address).scheme == "http"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else httpx.create_ssl_context()
    as_prometheus_verifies(context)
    try:
        if files["ca"]:
            context.load_verify_locations(files["ca"])
        if files["cert"]:
            context.load_cert_chain(files["cert"], files["key"])
    except OSError as error:  # ssl.SSLError is one
        named = " and ".join(f"--{word} {file}" for word, file in files.items() if file)
        why = getattr(error, "reason", None) or error.strerror or type(error).__name__
        raise WrongSettings(f"{named}: {why}; give files in PEM that fit and can be read") from None
    return context
