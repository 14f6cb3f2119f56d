"""HttpCall → absolute values, compared with their types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from apis import Things, Trouble
from handrail.contract import HttpCall
from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside import Outside
from handrail_receiver.ports import Reading
from handrail_receiver.targets.http import HttpCalls

from .conftest import TOKEN

pytestmark = pytest.mark.anyio
DOCUMENT = {"a/b": {"m~n": [{"on": True}, 1, "1", None, {"x": 1}]}, "": "empty", "n": 2.0}


@pytest.fixture
def api() -> Iterator[Things]:
    with Things(dict(DOCUMENT)) as api:
        yield api


@pytest.fixture
def step(api: Things) -> HttpCall:
    return HttpCall("PUT", f"{api.url}/thing", f"{api.url}/thing", "/n", 2, {"n": 2}, TOKEN)


@pytest.mark.parametrize(
    ("pointer", "equals", "done"),
    [
        ("/a~1b/m~0n/0/on", True, True),
        ("/a~1b/m~0n/0/on", 1, False),
        ("/a~1b/m~0n/0/on", "true", False),
        ("/a~1b/m~0n/1", 1, True),
        ("/a~1b/m~0n/1", True, False),
        ("/a~1b/m~0n/1", "1", False),
        ("/a~1b/m~0n/2", "1", True),
        ("/a~1b/m~0n/3", None, True),
        ("/a~1b/m~0n/3", False, False),
        ("/a~1b/m~0n/4", 1, False),
        ("/", "empty", True),
        ("/n", 2, True),
        ("", None, False),
    ],
)
async def test_a_value_is_found_by_its_pointer_and_compared_with_its_type(
    step: HttpCall, outside: Outside, pointer: str, equals: Any, done: bool
) -> None:
    wanted = replace(step, read_pointer=pointer, read_equals=equals)
    assert (await HttpCalls(outside).read(wanted)).done is done


@pytest.mark.parametrize(
    "pointer", ["/nothing", "/a~1b/m~0n/5", "/a~1b/m~0n/01", "/a~1b/m~0n/-", "/n/deeper"]
)
async def test_where_there_is_nothing_it_is_not_done_and_not_ready(
    step: HttpCall, outside: Outside, pointer: str
) -> None:
    lost = replace(step, read_pointer=pointer, read_equals=None)
    rehearsal = await HttpCalls(outside).rehearse(lost)
    assert await HttpCalls(outside).read(lost) == Reading(False, f"{step.read_url} has nothing at {pointer}")
    assert (rehearsal.ready, rehearsal.reason) == (
        False,
        f"{step.read_url} has nothing at {pointer}; correct read_pointer",
    )


async def test_a_rehearsal_says_what_it_cannot_know(step: HttpCall, outside: Outside) -> None:
    rehearsal = await HttpCalls(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.reason, rehearsal.call) == (
        True,
        f"{step.read_url} has 2.0 at /n; only the real call tells whether it may write",
        f'PUT {step.url} {{"n": 2}}',
    )


@pytest.mark.parametrize(
    ("header", "scheme", "sent"),
    [
        ("Authorization", "Bearer", {"authorization": "Bearer planted-secret-token"}),
        ("Authorization", "Token", {"authorization": "Token planted-secret-token"}),
        ("X-Api-Key", "", {"x-api-key": "planted-secret-token"}),
    ],
)
async def test_the_token_goes_where_the_service_wants_it(
    api: Things, step: HttpCall, outside: Outside, header: str, scheme: str, sent: dict[str, str]
) -> None:
    rehearsal = await HttpCalls(outside).rehearse(replace(step, token_header=header, token_scheme=scheme))
    [request] = api.requests
    assert sent.items() <= request.headers.items()
    assert rehearsal.ready is ("authorization" in sent)


async def test_a_redirect_is_an_error_and_nothing_follows_it(
    api: Things, step: HttpCall, outside: Outside
) -> None:
    api.trouble = Trouble.moved
    with pytest.raises(Permanent) as raised:
        await HttpCalls(outside).act(step)
    host = step.url.split("/")[2]
    assert (raised.value.cause, str(raised.value)) == (
        Cause.invalid,
        f"{host} answered 302 Found; redirects are not followed, give the final url",
    )
