"""A request to another service → its answer, or the cause of its failure.

Every target and channel is made with one `Outside`. It follows no redirect, reads no more than it must, keeps
to one time limit from the first byte to the last, and lets no secret into an answer or an error.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from handrail.contract import Secret
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.outside.logins import Logins, Service, client_of, trusting
from handrail_receiver.secrets import Secrets
from handrail_receiver.unreached import why_unreached

T = TypeVar("T")

STATED_IN = {"Prometheus": "HANDRAIL_PROMETHEUS", "Alertmanager": "HANDRAIL_ALERTMANAGERS"}
"""Where the address of a service is written that no declaration names."""
LONGEST_ANSWER = 4 * 1024 * 1024
LONGEST_QUOTE = 300
LONGEST_TEXT = 64 * 1024
"""So much of a text that is no answer is looked at: searching it for secrets takes time."""
SHORT = 64 * 1024
"""A body that is longer is not read on the event loop."""

# What a status code means; any other 4xx is `invalid`, any other 5xx is `broken`.
PERMANENT = {
    401: Cause.refused,
    403: Cause.refused,
    404: Cause.missing,
    405: Cause.refused,
    410: Cause.missing,
    412: Cause.conflict,
    501: Cause.invalid,
}
RETRYABLE = {
    408: Cause.timeout,
    409: Cause.conflict,
    423: Cause.busy,
    425: Cause.busy,
    429: Cause.busy,
    503: Cause.busy,
    504: Cause.timeout,
}


@dataclass(frozen=True)
class Answer:
    """What came back with a 2xx: who said it, the status and the body."""

    who: str
    status: int
    body: bytes

    def into(self, shape: type[T]) -> T:
        """The body as `shape`, a pydantic model or a type built of them; raises Permanent when it is not that."""
        try:
            return TypeAdapter(shape).validate_json(self.body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "the body"
            raise Permanent(
                Cause.invalid,
                f"{self.who} answered {self.status}, but {place} is not as expected ({first['msg']}); "
                "check the url and the version",
            ) from None

    async def through(self, read: Callable[[bytes], T]) -> T:
        """What `read` makes of the body: beside the event loop, where the body is long."""
        return read(self.body) if len(self.body) <= SHORT else await asyncio.to_thread(read, self.body)

    def is_api(self) -> Answer:
        """The same; raises Permanent when it is a page for people: a login's, a proxy's, or a wrong address's."""
        if self.body.lstrip().startswith(b"<"):
            raise Permanent(
                Cause.invalid,
                f"{self.who} answered {self.status} with a web page; check the url, and any proxy between",
            )
        return self


class AnswerBody(BaseModel):
    """What an adapter reads of an answer: its fields are camelCase there, others may pass."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class RefusedByService(Permanent):
    """The service said no: `status` and `body` (redacted) are for an adapter that knows this service's words."""

    def __init__(self, cause: Cause, text: str, status: int, body: str) -> None:
        self.status, self.body = status, body
        super().__init__(cause, text)


class AnswerTooLong(Permanent):
    """The answer is longer than LONGEST_ANSWER."""


@asynccontextmanager
async def within(seconds: float, who: str) -> AsyncIterator[None]:
    """Give what `who` does in the block `seconds` in all; then it is Retryable, whatever it was doing."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Retryable(Cause.timeout, f"{who} did not answer within {seconds:g} s") from None


def new_client(authorities: Path | None) -> httpx.AsyncClient:
    """The client that all ways out share which have no login of their own; `authorities` count as well."""
    return client_of(trusting(authorities))


class Outside:
    """Sends requests: an HTTP client, the secrets, and the services that need a login."""

    def __init__(self, client: httpx.AsyncClient, secrets: Secrets, logins: Logins | None = None) -> None:
        self._client = client
        self.secrets = secrets
        self._logins = logins or Logins()

    async def ask(
        self,
        who: str,
        method: str,
        url: str,
        *,
        timeout: float,  # noqa: ASYNC109  it becomes a cause of our own
        headers: Mapping[str, str] | None = None,
        body: object = None,
        content: bytes | None = None,
        cure: str | None = None,
    ) -> Answer:
        """Send one request to `who`, within `timeout` seconds in all; `body` goes as JSON, `content` as it is.

        Every error names the address; one of a service that nobody reaches also says what to do: `cure`, or where its
        address is to be corrected.
        Raises Retryable for silence, 5xx and "later", Permanent for every other answer that is not 2xx.
        """
        sent = content if content is not None else None if body is None else json.dumps(body).encode()
        typed = {"content-type": "application/json"} if body is not None else {}
        place, carried = self._logins.of(url), {**typed, **(headers or {})}
        if cure is None:
            cure = f"start it, or correct {STATED_IN.get(who, 'its address')}"
        who = self.clean(_at(who, url))
        response, read = await self._sent(who, method, url, timeout, carried, sent, place, cure)
        if response.is_success:
            return Answer(who, response.status_code, read)
        raise self._failure(who, response, read, place)

    async def answered(
        self,
        who: str,
        method: str,
        url: str,
        *,
        timeout: float,  # noqa: ASYNC109  it becomes a cause of our own
        headers: Mapping[str, str],
        content: bytes | None = None,
    ) -> Answer:
        """Send one request, and give the answer whatever its status is: for who judges that by themselves.

        Raises Retryable for silence and where nobody answers, Permanent where it cannot be sent.
        """
        who = self.clean(_at(who, url))
        response, body = await self._sent(who, method, url, timeout, headers, content, None, "")
        return Answer(who, response.status_code, body)

    async def _sent(
        self,
        who: str,
        method: str,
        url: str,
        seconds: float,
        headers: Mapping[str, str],
        sent: bytes | None,
        place: Service | None,
        cure: str,
    ) -> tuple[httpx.Response, bytes]:
        try:
            async with within(seconds, who):
                return await self._exchange(who, method, url, headers, sent, place)
        except (httpx.HTTPError, OSError, httpx.InvalidURL, ValueError) as error:
            raise self._unasked(who, error, cure) from None

    def _unasked(self, who: str, error: Exception, cure: str) -> TargetError:
        """There is no answer: the request cannot be sent as it is, or nobody took it. TLS may fail as an OSError."""
        said = why_unreached(error)
        reached = isinstance(error, (httpx.HTTPError, OSError))
        if not reached or isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
            return Permanent(Cause.invalid, self.clean(f"{who} cannot be asked: {said}"))
        text = "; ".join(filter(None, (f"{who} cannot be reached: {said}", cure)))
        return Retryable(Cause.unreachable, self.clean(text))

    async def _exchange(
        self,
        who: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        sent: bytes | None,
        place: Service | None,
    ) -> tuple[httpx.Response, bytes]:
        login = place.login if place else None
        carried = [*headers.items(), *(login.headers() if login else ())]
        async with (
            login.client() if login else nullcontext(self._client) as client,
            client.stream(
                method,
                url,
                headers=carried,
                content=sent,
                follow_redirects=False,
                timeout=None,
                extensions=login.extensions if login else None,
            ) as response,
        ):
            packed = response.headers.get("content-encoding", "identity")
            if packed != "identity":
                raise Permanent(
                    Cause.invalid,
                    f"{who} answered in the encoding {self.clean(packed)}, which was not asked for; check its url",
                )
            body = b""
            async for part in response.aiter_raw():
                body += part
                if len(body) > LONGEST_ANSWER:
                    raise AnswerTooLong(
                        Cause.invalid,
                        f"{who} answered with more than {LONGEST_ANSWER >> 20} MiB; check its url",
                    )
            return response, body

    def _failure(self, who: str, response: httpx.Response, body: bytes, place: Service | None) -> TargetError:
        status = response.status_code
        text = self.clean(body.decode(errors="replace"))
        said = f"{who} answered {status} {_phrase(status)}" + (f": {text[:LONGEST_QUOTE]}" if text else "")
        if response.is_redirect:
            cure = f", or the login in {place.setting}" if place else ""
            said += f"; redirects are not followed, give the final url{cure}"
            return RefusedByService(Cause.invalid, said, status, text)
        passes, cause = meaning_of(status)
        if passes:
            return Retryable(cause, said, _asked_to_wait(response.headers))
        if place is not None and status in {401, 403, 407}:
            said += f"; set the login in {place.setting}"
        return RefusedByService(cause, said, status, text)

    def clean(self, text: str) -> str:
        """The beginning of `text` on one line, with nothing a terminal obeys and no secret in it."""
        one_line = " ".join(self.secrets.redact(text[:LONGEST_TEXT]).split())
        return "".join(letter for letter in one_line if letter.isprintable())

    def bearer(
        self, token: Secret | None, header: str = "Authorization", scheme: str = "Bearer"
    ) -> dict[str, str]:
        """The header that carries `token`, none when there is no token."""
        if token is None:
            return {}
        return {header: f"{scheme} {self.secrets.value(token)}".strip()}


def _at(who: str, url: str) -> str:
    """Whom it is about, with what is no secret of the address: neither user nor password, path nor query."""
    try:
        place = urlsplit(url)
    except ValueError:
        return who
    host = place.netloc.rpartition("@")[2]
    return f"{who} at {place.scheme}://{host}" if host and host not in who else who


def meaning_of(status: int) -> tuple[bool, Cause]:
    """Whether a status that is not 2xx may pass, and its cause."""
    if status in RETRYABLE or (status >= 500 and status not in PERMANENT):
        return True, RETRYABLE.get(status, Cause.broken)
    return False, PERMANENT.get(status, Cause.invalid)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds; where it is an instant, by the clock of the server that says it."""
    said = headers.get("retry-after", "")
    if re.fullmatch(r"[0-9]{1,9}", said):
        return float(said)
    try:
        wait = parsedate_to_datetime(said) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):  # no such header, no date, or one of them without a zone
        return None
    return max(0.0, wait.total_seconds())
