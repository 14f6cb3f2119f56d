"""A probe → what a real HTTP server answers: ok, failed and why, or unknown where nothing could be sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from apis.serving import Api, Request, Trouble
from handrail.contract import ProbeFacts, Secret
from handrail_receiver.outside import Outside
from handrail_receiver.outside.probes import Probes
from handrail_receiver.secrets import Secrets
from servers import PLAIN
from starlette.responses import JSONResponse, Response

pytestmark = pytest.mark.anyio


class Health(Api):
    """A service with a health page."""

    def answer(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse({"status": "UP", "checks": [{"name": "redis", "status": "UP"}], "nodes": 3})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def health() -> Iterator[Health]:
    with Health() as api:
        yield api


def probe(api: Api, **more: Any) -> ProbeFacts:
    given: dict[str, Any] = {
        "name": "health",
        "url": f"{api.url}/q/health",
        "expect": 200,
        "values": {},
        "within": 2,
        "token_header": "Authorization",
        "token_scheme": "Bearer",
    }
    return ProbeFacts(**{**given, **more})


async def said(wanted: ProbeFacts) -> tuple[str, str]:
    secrets = Secrets(None, {"HANDRAIL_SECRET_HEALTH": "planted-secret-token"})
    async with httpx.AsyncClient(verify=PLAIN) as client:
        answer = (await Probes(Outside(client, secrets)).ask([wanted]))["health"]
    return answer.verdict, answer.text


async def test_the_status_the_values_and_the_text_are_as_declared(health: Health) -> None:
    wanted = probe(health, values={"/status": "UP", "/checks/0/status": "UP", "/nodes": 3}, contains="redis")
    assert await said(wanted) == ("ok", "answered 200")
    assert [request.path for request in health.requests] == ["/q/health"]


async def test_what_is_otherwise_is_named(health: Health) -> None:
    wanted = probe(health, values={"/status": "DOWN", "/nodes": "3", "/gone": 1}, contains="postgres")
    assert await said(wanted) == (
        "failed",
        (
            '\'postgres\' is not in its answer; /status is "UP", and not "DOWN"; '
            '/nodes is 3, and not "3"; its answer has nothing at /gone'
        ),
    )


async def test_another_status_a_redirect_and_silence_have_failed(health: Health) -> None:
    health.trouble = Trouble.down
    assert await said(probe(health)) == ("failed", "answered 500, and not 200")
    health.trouble = Trouble.moved
    assert await said(probe(health)) == ("failed", "answered 302, and not 200")
    health.trouble = Trouble.silent
    host = health.url.removeprefix("http://")
    assert await said(probe(health, within=0.2)) == ("failed", f"{host} did not answer within 0.2 s")


async def test_what_cannot_be_sent_says_nothing_of_the_service(health: Health) -> None:
    verdict, text = await said(probe(health, token=Secret("NOWHERE")))
    assert (verdict, "NOWHERE" in text) == ("unknown", True)
    assert health.requests == []


async def test_the_token_is_sent_as_declared(health: Health) -> None:
    wanted = probe(health, token=Secret("HEALTH"), token_header="X-Api-Key", token_scheme="")
    assert (await said(wanted))[0] == "ok"
    assert health.requests[0].headers["x-api-key"] == "planted-secret-token"


async def test_a_page_asks_no_more_often_than_every_half_minute(health: Health) -> None:
    async with httpx.AsyncClient(verify=PLAIN) as client:
        probes = Probes(Outside(client, Secrets(None, {})))
        first, second = [await probes.recent([probe(health)]) for _ in range(2)]
    assert (first, len(health.requests)) == (second, 1)
    assert first["health"].verdict == "ok"
