"""A request to somebody else → an answer, or a cause from the closed set, and never a secret."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import servers
from apis import Api, Inbox, Trouble
from handrail.contract import Secret
from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.outside import LONGEST_ANSWER, Outside, new_client
from handrail_receiver.outside.logins import USED_AGAIN_WITHIN, client_of
from handrail_receiver.secrets import Secrets
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx.AsyncClient(trust_env=False, verify=bare) as client:
        yield Outside(client, Secrets(None, {"HANDRAIL_SECRET_TOKEN": Api.token}))


async def failure(outside: Outside, url: str, *, timeout: float = 5.0, body: object = None) -> TargetError:  # noqa: ASYNC109
    headers = outside.bearer(Secret("token"))
    with pytest.raises(TargetError) as raised:
        await outside.ask("The service", "POST", url, timeout=timeout, headers=headers, body=body)
    return raised.value


@pytest.mark.parametrize(
    ("status", "kind", "cause"),
    [
        (301, Permanent, Cause.invalid),
        (400, Permanent, Cause.invalid),
        (401, Permanent, Cause.refused),
        (403, Permanent, Cause.refused),
        (404, Permanent, Cause.missing),
        (405, Permanent, Cause.refused),
        (408, Retryable, Cause.timeout),
        (409, Retryable, Cause.conflict),
        (410, Permanent, Cause.missing),
        (412, Permanent, Cause.conflict),
        (418, Permanent, Cause.invalid),
        (422, Permanent, Cause.invalid),
        (423, Retryable, Cause.busy),
        (429, Retryable, Cause.busy),
        (500, Retryable, Cause.broken),
        (501, Permanent, Cause.invalid),
        (502, Retryable, Cause.broken),
        (503, Retryable, Cause.busy),
        (504, Retryable, Cause.timeout),
        (599, Retryable, Cause.broken),
    ],
)
async def test_each_status_has_one_cause(
    api: Api, outside: Outside, status: int, kind: type[TargetError], cause: Cause
) -> None:
    api.queue = [Response(status_code=status, headers={"location": "/elsewhere"})]
    error = await failure(outside, api.url)
    assert (isinstance(error, kind), error.cause, len(api.requests)) == (True, cause, 1)
    assert str(error).startswith(f"The service at {api.url} answered {status}")


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Fri, 27 Nov 2026 13:00:30 GMT", "date": "Fri, 27 Nov 2026 13:00:00 GMT"}, 30.0),
        ({"retry-after": "Fri, 27 Nov 2026 12:59:00 GMT", "date": "Fri, 27 Nov 2026 13:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({}, None),
    ],
)
async def test_how_long_to_wait_is_kept_also_where_it_is_an_instant(
    api: Api, outside: Outside, headers: dict[str, str], wait: float | None
) -> None:
    api.queue = [Response(status_code=429, headers=headers)]
    error = await failure(outside, api.url)
    assert (isinstance(error, Retryable), getattr(error, "after", "")) == (True, wait)


async def test_a_drop_at_a_time_does_not_stretch_the_limit(api: Api, outside: Outside) -> None:
    def drops() -> Iterator[bytes]:
        for _ in range(40):
            time.sleep(0.1)
            yield b" "

    api.queue = [StreamingResponse(drops())]
    began = time.monotonic()
    error = await failure(outside, api.url, timeout=0.5)
    assert (str(error), time.monotonic() - began < 2) == (
        f"The service at {api.url} did not answer within 0.5 s",
        True,
    )


async def test_an_endless_answer_is_not_read_to_its_end(api: Api, outside: Outside) -> None:
    part = b"x" * 65536
    api.queue = [StreamingResponse(iter([part] * (2 * LONGEST_ANSWER // len(part))))]
    said = f"The service at {api.url} answered with more than 4 MiB; check its url"
    assert str(await failure(outside, api.url)) == said


async def test_a_packed_answer_is_not_unpacked(api: Api, outside: Outside) -> None:
    bomb = gzip.compress(b"x" * (64 * LONGEST_ANSWER))
    api.queue = [Response(bomb, headers={"content-encoding": "gzip"})]
    said = f"The service at {api.url} answered in the encoding gzip, which was not asked for; check its url"
    assert str(await failure(outside, api.url)) == said


async def test_a_connection_that_was_idle_is_not_used_when_its_server_may_close_it() -> None:
    """A server closes what is idle for five seconds, and a probe that is sent just then would have failed."""
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with (
        await asyncio.start_server(once, "127.0.0.1", 0) as server,
        client_of(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as client,
    ):
        outside = Outside(client, Secrets(None, {}))
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for _ in range(2):
            assert (await outside.ask("The service", "GET", url, timeout=5)).body == b"ok"
            await asyncio.sleep(USED_AGAIN_WITHIN + 0.2)


async def test_a_hundred_who_hang_take_no_connection_from_another(api: Api) -> None:
    with Api() as dead:
        dead.trouble = Trouble.silent
        async with new_client(None) as client:
            outside = Outside(client, Secrets(None, {}))
            hanging = [
                asyncio.create_task(outside.ask("It", "GET", dead.url, timeout=30)) for _ in range(150)
            ]
            await asyncio.to_thread(servers.until, lambda: len(dead.requests) == 150, "all to hang")
            api.queue = [Response(status_code=204)]
            assert (await outside.ask("It", "GET", api.url, timeout=5)).status == 204
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)


async def test_nobody_there_is_unreachable(outside: Outside) -> None:
    error = await failure(outside, "http://127.0.0.1:1/")
    assert (type(error), error.cause) == (Retryable, Cause.unreachable)


@pytest.mark.parametrize("url", ["ftp://host/x", "http://[::1/", "nothing"])
async def test_an_address_that_is_none_is_invalid(outside: Outside, url: str) -> None:
    assert (await failure(outside, url)).cause == Cause.invalid


async def test_what_a_server_says_is_one_short_line_without_secret_or_escape(
    api: Api, outside: Outside
) -> None:
    said = f"no\n\x1b[31m for {Api.token}\r\n" + "x" * 1000
    api.queue = [PlainTextResponse(said, 400)]
    assert str(await failure(outside, api.url)) == (
        f"The service at {api.url} answered 400 Bad Request: no [31m for [secret token] {'x' * 273}"
    )


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (
            "The service",
            "The service at http://127.0.0.1:9 cannot be reached: Connection refused; start it, or correct its address",
        ),
        (
            "127.0.0.1:9",
            "127.0.0.1:9 cannot be reached: Connection refused; start it, or correct its address",
        ),
        (
            "Prometheus",
            "Prometheus at http://127.0.0.1:9 cannot be reached: Connection refused; start it, or correct HANDRAIL_PROMETHEUS",
        ),
    ],
)
async def test_who_cannot_be_reached_is_named_with_the_address_and_nothing_secret_of_it(
    outside: Outside, who: str, said: str
) -> None:
    with pytest.raises(Retryable) as raised:
        await outside.ask(who, "GET", "http://alice:hunter2@127.0.0.1:9/T0/planted?key=planted", timeout=5)
    assert str(raised.value) == said


@pytest.mark.parametrize("trouble", [Trouble.refused, Trouble.down])
async def test_a_server_that_repeats_the_token_does_not_get_it_into_the_error(
    api: Api, outside: Outside, trouble: Trouble
) -> None:
    api.trouble = trouble
    error = await failure(outside, api.url)
    assert ("[secret token]" in str(error), Api.token in repr(error)) == (True, False)


async def test_an_answer_of_another_shape_says_where_it_differs(api: Api, outside: Outside) -> None:
    api.queue = [JSONResponse({"a": [1, Api.token]})]
    answer = await outside.ask("The service", "GET", api.url, timeout=5)
    with pytest.raises(Permanent) as raised:
        answer.into(dict[str, list[int]])
    assert str(raised.value) == (
        f"The service at {api.url} answered 200, but a.1 is not as expected (Input should be a valid integer, unable to "
        "parse string as an integer); check the url and the version"
    )


async def test_a_token_that_no_header_can_carry_is_invalid_and_not_shown(api: Api) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        outside = Outside(client, Secrets(None, {"HANDRAIL_SECRET_TOKEN": "planted\nsecret-value"}))
        error = await failure(outside, api.url)
    assert (error.cause, "secret-value" in str(error), api.requests) == (Cause.invalid, False, [])


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made, *files, "-days", "2", *subject], check=True, capture_output=True)
    return certificate, key


async def test_tls_is_verified_and_authorities_of_our_own_count(authority: tuple[Path, Path]) -> None:
    certificate, key = authority
    with Inbox(certificate=certificate, key=key) as api:
        statuses: list[int | Cause] = []
        for authorities in (None, certificate):
            async with new_client(authorities) as client:
                try:
                    answer = await Outside(client, Secrets(None, {})).ask("It", "GET", api.url, timeout=5)
                    statuses.append(answer.status)
                except Retryable as error:
                    statuses.append(error.cause)
    assert statuses == [Cause.unreachable, 202]


BROKEN = {
    "reset": b"",
    "garbage": b"SSH-2.0-OpenSSH_9.2\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-le",
    "half a body": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
    "half a chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
    "a status that is none": b"HTTP/1.1 999999 OK\r\n\r\n",
    "an endless head": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200_000,
    "nothing but interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000,
    "letters that are none": b"HTTP/1.1 200 OK\r\ncontent-encoding: \xff\xfe\r\n\r\n\xff\xfe",
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_whatever_somebody_answers_it_is_a_cause_of_ours(outside: Outside, answer: bytes) -> None:
    async def broken(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.write(answer)
            await writer.drain()
        writer.transport.abort() if not answer else writer.close()

    async with await asyncio.start_server(broken, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(outside, f"http://127.0.0.1:{port}/", timeout=2)
    assert error.cause in {Cause.unreachable, Cause.invalid, Cause.timeout}
    assert str(error).isprintable()
