"""FlagOff → what Unleash is asked, and what a rehearsal finds out about change requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from apis import Trouble, Unleash
from handrail.contract import FlagOff, Secret
from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside import Outside
from handrail_receiver.targets.unleash import UnleashOff
from starlette.responses import JSONResponse

pytestmark = pytest.mark.anyio
READY = "Unleash default/fast-path in production is on; the token may switch it off without a change request"
WAITS = "production asks for change requests, which wait for people; give the token SKIP_CHANGE_REQUEST"


@pytest.fixture
def api() -> Iterator[Unleash]:
    with Unleash() as api:
        yield api


@pytest.fixture
def step(api: Unleash) -> FlagOff:
    return FlagOff(f"{api.url}/", "default", "fast-path", "production", Secret("token"))


async def test_the_call_is_said_in_words(step: FlagOff, outside: Outside) -> None:
    rehearsal = await UnleashOff(outside).rehearse(step)
    path = "/api/admin/projects/default/features/fast-path/environments/production/off"
    assert rehearsal.call == f"POST {step.url.rstrip('/')}{path}"


@pytest.mark.parametrize(
    ("change_requests", "skips", "ready", "reason"),
    [
        (None, False, True, READY),
        ({"production": False, "development": True}, False, True, READY),
        ({"production": True}, False, False, WAITS),
        ({"production": True}, True, True, READY),
    ],
)
async def test_change_requests_are_found_out_before_the_rollout(
    api: Unleash,
    step: FlagOff,
    outside: Outside,
    change_requests: dict[str, bool] | None,
    skips: bool,
    ready: bool,
    reason: str,
) -> None:
    api.change_requests = change_requests
    api.permissions += [{"permission": "SKIP_CHANGE_REQUEST", "project": "default"}] if skips else []
    rehearsal = await UnleashOff(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.reason) == (ready, reason)


async def test_a_change_request_in_the_way_is_a_refusal(
    api: Unleash, step: FlagOff, outside: Outside
) -> None:
    api.change_requests = {"production": True}
    with pytest.raises(Permanent) as raised:
        await UnleashOff(outside).act(step)
    assert (raised.value.cause, api.on["production"]) == (Cause.refused, True)


@pytest.mark.parametrize(
    "held",
    [
        {"permission": "UPDATE_FEATURE_ENVIRONMENT", "project": "shop"},
        {"permission": "UPDATE_FEATURE_ENVIRONMENT", "project": "default", "environment": "development"},
        {"permission": "UPDATE_FEATURE", "project": "default"},
    ],
)
async def test_a_permission_for_something_else_does_not_count(
    api: Unleash, step: FlagOff, outside: Outside, held: dict[str, str]
) -> None:
    api.permissions = [held]
    assert (await UnleashOff(outside).rehearse(step)).ready is False


async def test_an_administrator_may_do_everything(api: Unleash, step: FlagOff, outside: Outside) -> None:
    api.permissions, api.change_requests = [{"permission": "ADMIN"}], {"production": True}
    assert (await UnleashOff(outside).rehearse(step)).ready is True


async def test_names_cannot_leave_their_place_in_the_path(api: Unleash, outside: Outside) -> None:
    step = FlagOff(api.url, "default", "../../x?y#z", "production", Secret("token"))
    with pytest.raises(Permanent):
        await UnleashOff(outside).act(step)
    path = "/api/admin/projects/default/features/..%2F..%2Fx%3Fy%23z/environments/production/off"
    assert [request.path for request in api.requests] == [path]


async def test_an_answer_about_another_project_does_not_count(
    api: Unleash, step: FlagOff, outside: Outside
) -> None:
    other = {"project": "shop", "environments": [{"name": "production", "enabled": False}]}
    api.queue = [JSONResponse(other)]
    with pytest.raises(Permanent) as raised:
        await UnleashOff(outside).read(step)
    assert str(raised.value) == (
        "Unleash has no default/fast-path in production: fast-path is in the project shop, "
        "in the environments production; correct the step"
    )


async def test_an_answer_that_is_not_unleash_s_says_what_to_check(
    api: Unleash, step: FlagOff, outside: Outside
) -> None:
    api.trouble = Trouble.babbling
    with pytest.raises(Permanent) as raised:
        await UnleashOff(outside).read(step)
    assert (raised.value.cause, "check the url and the version" in str(raised.value)) == (
        Cause.invalid,
        True,
    )
