"""FlagOff against a real Unleash 6 → what the small server in tests/apis claims is what Unleash does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from apis.unleash import FEATURE
from apis.unleash import Unleash as Recorded
from handrail.contract import FlagOff, Secret
from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside import Outside
from handrail_receiver.ports import Reading
from handrail_receiver.secrets import Secrets
from handrail_receiver.targets.unleash import UnleashOff
from servers import Server

from .conftest import ADMIN

pytestmark = [pytest.mark.unleash, pytest.mark.anyio]
PRODUCTION = f"{FEATURE}/environments/production"
NOBODY = "user:planted-but-unknown-token"
On = Callable[[], bool]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def viewer(unleash: Server, admin: httpx.Client) -> str:
    """A personal access token of somebody who may look and not touch."""
    account = {"username": "viewer", "password": "Abcd!2345-xyz"}
    admin.post("/user-admin", json={**account, "rootRole": 3, "sendEmail": False}).raise_for_status()
    with httpx.Client(base_url=unleash.url) as session:
        session.post("/auth/simple/login", json=account).raise_for_status()
        token = {"description": "for a test", "expiresAt": "2099-01-01T00:00:00Z"}
        made = session.post("/api/admin/user/tokens", json=token).raise_for_status()
    secret: str = made.json()["secret"]
    return secret


@pytest.fixture
def feature(admin: httpx.Client) -> None:
    """The feature `fast-path`, on in production."""
    admin.post("/projects/default/features", json={"name": "fast-path"})
    admin.post(f"{PRODUCTION.removeprefix('/api/admin')}/on").raise_for_status()


@pytest.fixture
def development(admin: httpx.Client, feature: None) -> On:
    """Whether the feature, which was on in development too, still is."""
    environment = f"{FEATURE.removeprefix('/api/admin')}/environments/development"
    admin.post(f"{environment}/on").raise_for_status()
    return lambda: admin.get(environment).json()["enabled"] is True


@pytest.fixture
async def target(viewer: str) -> AsyncIterator[UnleashOff]:
    secrets = {"ADMIN": ADMIN, "VIEWER": viewer, "NOBODY": NOBODY}
    async with httpx.AsyncClient() as client:
        yield UnleashOff(
            Outside(client, Secrets(None, {f"HANDRAIL_SECRET_{k}": v for k, v in secrets.items()}))
        )


@pytest.fixture
def step(unleash: Server, feature: None) -> FlagOff:
    return FlagOff(unleash.url, "default", "fast-path", "production", Secret("admin"))


async def test_a_feature_that_is_on_is_switched_off_and_stays_off(target: UnleashOff, step: FlagOff) -> None:
    rehearsal = await target.rehearse(step)
    before = await target.read(step)
    await target.act(step)
    await target.act(step)
    assert (rehearsal.ready, rehearsal.reason) == (
        True,
        "Unleash default/fast-path in production is on; the token may switch it off without a change request",
    )
    assert (before, await target.read(step)) == (
        Reading(done=False, found="Unleash default/fast-path in production is on"),
        Reading(done=True, found="Unleash default/fast-path in production is off"),
    )


async def test_another_environment_is_left_alone(target: UnleashOff, step: FlagOff, development: On) -> None:
    await target.act(step)
    assert development() is True


async def test_a_viewer_s_token_is_not_ready_and_is_refused(target: UnleashOff, step: FlagOff) -> None:
    viewing = replace(step, token=Secret("viewer"))
    rehearsal = await target.rehearse(viewing)
    with pytest.raises(Permanent) as raised:
        await target.act(viewing)
    assert (rehearsal.ready, raised.value.cause) == (False, Cause.refused)
    assert rehearsal.reason == (
        "the token may not switch default/fast-path in production; "
        "give it UPDATE_FEATURE_ENVIRONMENT for this project and environment"
    )


async def test_an_unknown_token_is_refused_and_not_repeated(target: UnleashOff, step: FlagOff) -> None:
    rehearsal = await target.rehearse(replace(step, token=Secret("nobody")))
    assert (rehearsal.ready, NOBODY in rehearsal.reason) == (False, False)
    assert rehearsal.reason.startswith("Unleash answered 401 Unauthorized")


@pytest.mark.parametrize("wrong", [{"feature": "slow-path"}, {"environment": "staging"}, {"project": "shop"}])
async def test_what_is_not_there_is_missing(target: UnleashOff, step: FlagOff, wrong: dict[str, Any]) -> None:
    with pytest.raises(Permanent) as raised:
        await target.read(replace(step, **wrong))
    assert raised.value.cause == Cause.missing


def test_the_recorded_server_answers_as_the_real_one(step: FlagOff, unleash: Server) -> None:
    asked = [("GET", "/api/admin/user"), ("GET", FEATURE), ("POST", f"{PRODUCTION}/off"), ("GET", FEATURE)]
    asked += [
        ("GET", "/api/admin/projects/default/change-requests/config"),
        ("POST", f"{FEATURE}/nothing/off"),
    ]
    with Recorded() as recorded, httpx.Client() as client:
        real, small = (
            [
                _shape(client.request(method, server + path, headers={"authorization": token}))
                for method, path in asked
            ]
            for server, token in ((unleash.url, ADMIN), (recorded.url, recorded.token))
        )
    assert small == real


def _shape(response: httpx.Response) -> tuple[int, object]:
    """The status, and of the body what the adapter reads."""
    body = response.json() if response.content else {}
    environments = [(one["name"], one["enabled"]) for one in body.get("environments", ())]
    return response.status_code, (body.get("project"), environments, body.get("name"), "permissions" in body)
