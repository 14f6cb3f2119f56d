"""FlagOff against a real Unleash 6 → what the small server in tests/apis claims is what Unleash does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from apis.unleash import FEATURE
from apis.unleash import Unleash as Recorded
from handrail.contract import FlagOff, FlagShare, Secret
from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside import Outside
from handrail_receiver.ports import Reading
from handrail_receiver.secrets import Secrets
from handrail_receiver.targets.unleash import UnleashOff
from handrail_receiver.targets.unleash_share import UnleashShare
from servers import Server

from .conftest import ADMIN

pytestmark = [pytest.mark.unleash, pytest.mark.anyio]
PRODUCTION = f"{FEATURE}/environments/production"
NOBODY = "user:planted-but-unknown-token"
On = Callable[[], bool]
ShareOf = tuple[UnleashShare, FlagShare]


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
async def outside(viewer: str) -> AsyncIterator[Outside]:
    secrets = {"ADMIN": ADMIN, "VIEWER": viewer, "NOBODY": NOBODY}
    async with httpx.AsyncClient(
        headers={"accept-encoding": "identity"}
    ) as client:  # as the receiver's own asks
        yield Outside(client, Secrets(None, {f"HANDRAIL_SECRET_{k}": v for k, v in secrets.items()}))


@pytest.fixture
def target(outside: Outside) -> UnleashOff:
    return UnleashOff(outside)


@pytest.fixture
def share(unleash: Server, admin: httpx.Client, outside: Outside) -> Iterator[ShareOf]:
    """A new feature that is off and has no strategy."""
    admin.post("/projects/default/features", json={"name": "shared-out"}).raise_for_status()
    yield (
        UnleashShare(outside),
        FlagShare(unleash.url, "default", "shared-out", "production", Secret("admin"), 10),
    )
    admin.delete("/projects/default/features/shared-out").raise_for_status()
    admin.delete("/archive/shared-out").raise_for_status()


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
    assert rehearsal.reason.startswith("Unleash at http")
    assert " answered 401 Unauthorized" in rehearsal.reason


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


def _strategies(admin: httpx.Client, added: object = None) -> httpx.Response:
    """Unleash's own answer about the strategies, one of which is added before."""
    place = "/projects/default/features/shared-out/environments/production/strategies"
    if added is not None:
        admin.post(place, json=added).raise_for_status()
    return admin.get(place).raise_for_status()


async def test_a_flag_is_on_for_the_share_of_each_stage(admin: httpx.Client, share: ShareOf) -> None:
    target, step = share
    rehearsal = await target.rehearse(step)
    found = []
    for percent in (10, 50, 100):
        await target.act(replace(step, percent=percent))
        await target.act(replace(step, percent=percent))
        found.append(await target.read(replace(step, percent=percent)))
    assert (rehearsal.ready, rehearsal.reason.partition(";")[0]) == (
        True,
        "Unleash default/shared-out in production is off, without a share",
    )
    assert found == [
        Reading(done=True, found=f"Unleash default/shared-out in production is on for {percent} %")
        for percent in (10, 50, 100)
    ]
    [strategy] = _strategies(admin).json()
    assert (strategy["name"], strategy["parameters"]["rollout"]) == ("flexibleRollout", "100")


async def test_a_second_strategy_makes_the_share_unknown(admin: httpx.Client, share: ShareOf) -> None:
    target, step = share
    for _ in range(2):
        _strategies(admin, {"name": "flexibleRollout", "parameters": {"rollout": "5"}})
    with pytest.raises(Permanent) as raised:
        await target.read(step)
    assert raised.value.cause == Cause.conflict


async def test_a_viewer_s_token_may_not_set_a_share(share: ShareOf) -> None:
    target, step = share
    rehearsal = await target.rehearse(replace(step, token=Secret("viewer")))
    with pytest.raises(Permanent) as raised:
        await target.act(replace(step, token=Secret("viewer")))
    assert (rehearsal.ready, raised.value.cause) == (False, Cause.refused)
