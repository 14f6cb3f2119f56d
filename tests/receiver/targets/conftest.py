"""What every target's tests start from: an event loop, a way out, and a planted secret."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

import httpx
import pytest
from apis import Api
from handrail.contract import Secret
from handrail_receiver.outside import Outside
from handrail_receiver.secrets import Secrets

TOKEN = Secret("token")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop that the receiver has."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    bare = ssl.SSLContext(
        ssl.PROTOCOL_TLS_CLIENT
    )  # nothing here speaks TLS, and loading authorities takes long
    async with httpx.AsyncClient(trust_env=False, verify=bare) as client:
        yield Outside(client, Secrets(None, {"HANDRAIL_SECRET_TOKEN": Api.token}))
