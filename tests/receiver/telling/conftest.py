"""What every channel's tests start from: an incident, a teller with planted secrets, and a clock."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from apis import Api
from handrail_receiver.outside import Outside
from handrail_receiver.secrets import Secrets
from handrail_receiver.telling import Teller
from handrail_receiver.telling.incident import IncidentEntry, Link, ToldIncident

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEYS = [f"whsec_{base64.b64encode(bytes([number] * 32)).decode()}" for number in (1, 2)]
OPEN = ToldIncident(
    key="checkout/7/rollback",
    rollout="checkout",
    service="shop",
    title="checkout: rolled back because error-rate > 1 %",
    status="open",
    severity="critical",
    lines=(
        IncidentEntry(NOON, "error-rate was 3.2 % for 5 min"),
        IncidentEntry(NOON + timedelta(seconds=2), "web/canary has weight 0"),
    ),
    links=(Link("Runbook", "https://runbooks.example/checkout?a=1&b=2"),),
    opened=NOON,
    updated=NOON + timedelta(seconds=2),
)


class Now:
    """A clock that shows the real time: those who verify a signature compare with theirs."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    secrets = {
        "TOKEN": Api.token,
        "ROUTING_KEY": "planted-routing-key",
        "KEYS": "\n".join(KEYS),
        "NO_KEY": "not base64 at all",
    }
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx.AsyncClient(trust_env=False, verify=bare) as client:
        yield Outside(
            client, Secrets(None, {f"HANDRAIL_SECRET_{name}": value for name, value in secrets.items()})
        )


@pytest.fixture
def teller(outside: Outside) -> Teller:
    return Teller(outside, Now())
