"""Webhook → a request that Standard Webhooks' own library takes for true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import standardwebhooks
from apis import Inbox, Trouble
from handrail.contract import Secret, Tell
from handrail.contract import Webhook as Channel
from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.telling import Teller
from starlette.responses import Response

from .conftest import KEYS, OPEN

pytestmark = pytest.mark.anyio


@pytest.fixture
def api() -> Iterator[Inbox]:
    with Inbox() as api:
        yield api


@pytest.fixture
def tell(api: Inbox) -> Tell:
    return Tell(Channel(f"{api.url}/hook?team=sre", Secret("keys")), "{{ incident.title }}")


@pytest.mark.parametrize("key", KEYS)
async def test_each_of_the_keys_in_use_verifies_it(api: Inbox, tell: Tell, teller: Teller, key: str) -> None:
    await teller.tell(tell, OPEN)
    [request] = api.requests
    assert standardwebhooks.Webhook(key).verify(request.content, request.headers) == json.loads(
        request.content
    )


async def test_another_key_or_another_body_does_not(api: Inbox, tell: Tell, teller: Teller) -> None:
    await teller.tell(tell, OPEN)
    [request] = api.requests
    other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(other).verify(request.content, request.headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(KEYS[0]).verify(request.content + b" ", request.headers)


async def test_the_body_is_the_whole_incident(api: Inbox, tell: Tell, teller: Teller) -> None:
    await teller.tell(tell, OPEN)
    assert (api.requests[0].path, api.requests[0].json) == (
        "/hook?team=sre",
        {
            "type": "rollout.incident.open",
            "timestamp": "2026-11-21T12:00:02+00:00",
            "data": {
                "key": "checkout/7/rollback",
                "rollout": "checkout",
                "service": "shop",
                "title": "checkout: rolled back because error-rate > 1 %",
                "status": "open",
                "severity": "critical",
                "lines": [
                    {"at": "2026-11-21T12:00:00+00:00", "text": "error-rate was 3.2 % for 5 min"},
                    {"at": "2026-11-21T12:00:02+00:00", "text": "web/canary has weight 0"},
                ],
                "links": [{"text": "Runbook", "url": "https://runbooks.example/checkout?a=1&b=2"}],
                "opened": "2026-11-21T12:00:00+00:00",
                "updated": "2026-11-21T12:00:02+00:00",
                "resolved": None,
                "version": 0,
                "text": "checkout: rolled back because error-rate > 1 %",
            },
        },
    )


async def test_the_same_state_has_the_same_id_whenever_it_is_sent(
    api: Inbox, tell: Tell, teller: Teller
) -> None:
    later = replace(OPEN, updated=OPEN.updated + timedelta(seconds=30), lines=OPEN.lines[:1])
    for incident in (OPEN, later, replace(OPEN, status="resolved"), replace(OPEN, version=1)):
        await teller.tell(tell, incident)
    ids = [request.headers["webhook-id"] for request in api.requests]
    assert (ids[0] == ids[1], len(set(ids))) == (True, 3)


async def test_without_a_secret_it_is_not_signed(api: Inbox, teller: Teller) -> None:
    await teller.tell(Tell(Channel(api.url)), OPEN)
    assert "webhook-signature" not in api.requests[0].headers


async def test_a_secret_that_is_no_key_is_invalid_and_not_shown(api: Inbox, teller: Teller) -> None:
    with pytest.raises(Permanent) as raised:
        await teller.tell(Tell(Channel(api.url, Secret("no_key"))), OPEN)
    assert (raised.value.cause, str(raised.value), api.requests) == (
        Cause.invalid,
        "the secret no_key is not a key; write whsec_ and base64, one key a line",
        [],
    )


async def test_a_redirect_is_not_told(api: Inbox, tell: Tell, teller: Teller) -> None:
    api.trouble = Trouble.moved
    with pytest.raises(Permanent) as raised:
        await teller.tell(tell, OPEN)
    assert raised.value.cause == Cause.invalid


@pytest.mark.parametrize(("status", "cause"), [(410, Cause.missing), (400, Cause.invalid)])
async def test_an_endpoint_that_is_gone_or_refuses_is_permanent(
    api: Inbox, tell: Tell, teller: Teller, status: int, cause: Cause
) -> None:
    api.queue = [Response(status_code=status)]
    with pytest.raises(Permanent) as raised:
        await teller.tell(tell, OPEN)
    assert raised.value.cause == cause
