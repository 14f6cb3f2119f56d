"""A load burst → its requests at a real HTTP server: how many, by whom, and how it ends."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from apis.serving import Api, Request, Trouble
from guarded import NOW
from handrail.contract import BurstFacts, Secret
from handrail_receiver.errors import Cause, Retryable
from handrail_receiver.evidence.burst import BurstRun, Ended, SentRequest
from handrail_receiver.load_bursts.burst_requests import Sending
from handrail_receiver.outside import Outside
from handrail_receiver.secrets import Secrets
from servers import PLAIN
from starlette.responses import PlainTextResponse, Response

pytestmark = pytest.mark.anyio


class Memory(Api):
    """The service that gets the load; of each twenty requests the last is too much for it."""

    def answer(self, request: Request) -> Response:  # noqa: ARG002
        return PlainTextResponse("busy", 503) if len(self.requests) % 20 == 0 else PlainTextResponse("a note")


class Now:
    def now(self) -> Any:
        return NOW


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def memory() -> Iterator[Memory]:
    with Memory() as api:
        yield api


def facts(api: Api, **more: Any) -> BurstFacts:
    given: dict[str, Any] = {
        "at": 300,
        "name": "T+5",
        "stage": "5%",
        "method": "POST",
        "url": f"{api.url}/api/v1/memory/query",
        "requests": 40,
        "users": 5,
        "bodies": ({"query": "notes", "user_id": "user_${user}"}, {"query": "plans", "id": "q${request}"}),
        "pause": 0,
        "timeout": 2,
        "within": 20,
        "expect": 200,
        "failed": 0.05,
        "tokens": Secret("RELAY_USERS"),
    }
    return BurstFacts(**{**given, **more})


async def never() -> str:
    await asyncio.Event().wait()
    return ""


async def burst(wanted: BurstFacts, stopped: Any = never) -> tuple[Ended, str, list[SentRequest]]:
    secrets = Secrets(None, {"HANDRAIL_SECRET_RELAY_USERS": "token-of-one\ntoken-of-two\n"})
    async with httpx.AsyncClient(verify=PLAIN) as client:
        sending = Sending(Outside(client, secrets), Now(), wanted)
        ended = await sending.run(stopped)
    return (*ended, sending.sent)


async def test_each_user_sends_its_share_with_its_own_token_and_the_bodies_in_turn(memory: Memory) -> None:
    ended, why, sent = await burst(facts(memory))
    assert (ended, why) == ("done", "")
    assert Counter(one.user for one in sent) == {1: 8, 2: 8, 3: 8, 4: 8, 5: 8}
    assert sorted(one.number for one in sent) == list(range(1, 41))
    assert Counter(one.headers["authorization"] for one in memory.requests) == {
        "Bearer token-of-one": 24,
        "Bearer token-of-two": 16,
    }
    bodies = [one.json for one in memory.requests]
    assert {"query": "notes", "user_id": "user_3"} in bodies
    assert {"query": "plans", "id": "q40"} in bodies


async def test_its_record_counts_what_failed_of_what_and_how_long_answers_took(memory: Memory) -> None:
    wanted = facts(memory)
    ended, why, sent = await burst(wanted)
    run = BurstRun(wanted, 7, "7/1/burst/5%/300/T+5", False, NOW, NOW, ended, why, tuple(sent))
    said = run.record("digest")
    assert (said.requests, said.sent, said.answered, said.well, said.failed) == (40, 40, 40, 38, 2)
    assert (said.errors, said.ok, said.ended) == ({"503": 2}, True, "done")
    assert said.seconds is not None
    assert said.seconds.count == 40
    assert said.seconds.p50 <= said.seconds.p90 <= said.seconds.p95 <= said.seconds.p99 <= said.seconds.max
    lines = run.log().splitlines()
    assert len(lines) == 2 + 40 + 2
    assert lines[0] == f"40 requests by 5 users: POST {wanted.url}"
    assert sum(" failed user " in line for line in lines) == 2
    strict = BurstRun(facts(memory, failed=0), 7, "k", False, NOW, NOW, ended, why, tuple(sent))
    assert not strict.ok


async def test_a_redirect_is_an_answer_and_is_not_followed(memory: Memory) -> None:
    memory.trouble = Trouble.moved
    _, _, sent = await burst(facts(memory, requests=3, users=1))
    assert [(one.status, one.error) for one in sent] == [(302, "")] * 3
    assert {one.path for one in memory.requests} == {"/api/v1/memory/query"}


async def test_a_fault_of_our_own_in_one_user_ends_the_others(memory: Memory) -> None:
    sent: list[str] = []

    class Faulty(Outside):
        async def answered(self, who: str, *_: Any, **__: Any) -> Any:
            sent.append(who)
            if len(sent) == 2:
                raise ZeroDivisionError("a fault of our own")
            await asyncio.sleep(0.01)
            raise Retryable(Cause.busy, "busy")

    wanted = facts(memory, users=2, requests=1000, tokens=None)
    async with httpx.AsyncClient(verify=PLAIN) as client:
        with pytest.raises(ZeroDivisionError):
            await Sending(Faulty(client, Secrets(None, {})), Now(), wanted).run(never)
    so_many = len(sent)
    await asyncio.sleep(0.1)
    assert len(sent) == so_many


async def test_silence_is_counted_by_its_cause(memory: Memory) -> None:
    memory.trouble = Trouble.silent
    _, _, sent = await burst(facts(memory, requests=2, users=2, timeout=0.2))
    assert [(one.status, one.error) for one in sent] == [(None, "timeout")] * 2


async def test_it_ends_when_it_must_not_go_on_and_when_its_time_is_over(memory: Memory) -> None:
    async def held() -> str:
        await asyncio.sleep(0.3)
        return "it is held: alice"

    ended, why, sent = await burst(facts(memory, requests=1000, users=2, pause=0.05), held)
    assert (ended, why) == ("stopped", "it is held: alice")
    assert 0 < len(sent) < 100
    known = len(memory.requests)
    ended, why, _ = await burst(facts(memory, requests=1000, users=2, pause=0.05, within=0.3))
    assert (ended, why) == ("out-of-time", "it may last for 0.3 s")
    assert len(memory.requests) - known < 100
