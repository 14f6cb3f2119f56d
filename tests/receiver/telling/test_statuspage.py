"""StatusPage → a component's state, absolute, and sent only when it changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from apis import Inbox
from handrail.contract import Secret, StatusPage, Tell
from handrail_receiver.telling import Teller

from .conftest import OPEN

pytestmark = pytest.mark.anyio
DOWN, UP = {"component": {"status": "partial_outage"}}, {"component": {"status": "operational"}}


@pytest.fixture
def api() -> Iterator[Inbox]:
    with Inbox() as api:
        yield api


@pytest.mark.parametrize(("resolved", "bodies"), [(UP, [DOWN, UP]), (None, [DOWN])])
async def test_the_page_is_told_once_that_it_began_and_once_that_it_is_over(
    api: Inbox, teller: Teller, resolved: dict[str, object] | None, bodies: list[Any]
) -> None:
    page = StatusPage(
        "PATCH", f"{api.url}/v1/components/1", DOWN, resolved, Secret("token"), token_scheme="OAuth"
    )
    receipt = ""
    for status in ("open", "acknowledged", "resolved", "resolved"):
        receipt = await teller.tell(Tell(page), replace(OPEN, status=status), receipt)
    assert [request.json for request in api.requests] == bodies
    assert {request.headers["authorization"] for request in api.requests} == {f"OAuth {api.token}"}


async def test_no_word_of_the_incident_is_published(api: Inbox, teller: Teller) -> None:
    page = StatusPage("PUT", api.url, DOWN, UP, Secret("token"))
    await teller.tell(Tell(page), OPEN)
    assert [request.json for request in api.requests] == [DOWN]
