"""The clinic's own probes of mem0 and Supabase → ok with their keys; a key that is refused and a service that is away are told apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from apis.serving import Api, Request, Trouble
from handrail.contract import Playbook, ProbeFacts
from handrail_receiver.outside import Outside
from handrail_receiver.outside.probes import Probes
from handrail_receiver.secrets import Secrets
from servers import PLAIN
from starlette.responses import JSONResponse, Response

pytestmark = pytest.mark.anyio
BOOK = Path(__file__).parents[3] / "generated/playbook/mem0-redis.json"
KEYS = {"/v1/ping/": ("authorization", "Token mem0-key-of-today"), "/rest/v1/": ("apikey", "supabase-key")}


class Services(Api):
    """mem0 and Supabase, as far as they look at who asks."""

    def answer(self, request: Request) -> Response:
        name, key = next(one for path, one in KEYS.items() if request.path.startswith(path))
        return JSONResponse([], 200 if request.headers.get(name) == key else 401)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def services() -> Iterator[Services]:
    with Services() as api:
        yield api


def probes(api: Api) -> list[ProbeFacts]:
    """Those of the generated playbook, at other addresses."""
    declared = Playbook.model_validate_json(BOOK.read_text()).probes
    places = {"https://api.mem0.ai": api.url, "https://clinic.supabase.co": api.url}
    return [
        one.model_copy(update={"url": one.url.replace(there, here)})
        for one in declared
        for there, here in places.items()
        if one.url.startswith(there)
    ]


async def said(api: Api, mem0_key: str) -> dict[str, str]:
    known = {"HANDRAIL_SECRET_MEM0_API_KEY": mem0_key, "HANDRAIL_SECRET_SUPABASE_KEY": "supabase-key"}
    async with httpx.AsyncClient(verify=PLAIN) as client:
        answers = await Probes(Outside(client, Secrets(None, known))).ask(probes(api))
    return {name: f"{one.verdict}: {one.text}" for name, one in answers.items()}


async def test_each_is_asked_with_its_key_and_a_key_that_is_too_old_is_refused(services: Services) -> None:
    assert await said(services, "mem0-key-of-today") == {
        "mem0": "ok: answered 200",
        "supabase": "ok: answered 200",
    }
    assert await said(services, "mem0-key-of-yesterday") == {
        "mem0": "failed: answered 401, and not 200",
        "supabase": "ok: answered 200",
    }
    services.trouble = Trouble.down
    assert set((await said(services, "mem0-key-of-today")).values()) == {"failed: answered 500, and not 200"}
