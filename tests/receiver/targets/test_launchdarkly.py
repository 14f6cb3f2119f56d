"""LaunchDarklyOff → what LaunchDarkly is asked, and what a rehearsal finds out about approvals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from apis import LaunchDarkly
from handrail.contract import LaunchDarklyOff, Secret
from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside import Outside
from handrail_receiver.targets.launchdarkly import LaunchDarkly as Target

pytestmark = pytest.mark.anyio
READY = "shop/fast-path in production is on; LaunchDarkly accepted the change as a dry run"
WAITS = (
    "production requires approvals, which wait for people; exempt this flag (requiredApprovalTags) "
    "or roll back by another step"
)


@pytest.fixture
def api() -> Iterator[LaunchDarkly]:
    with LaunchDarkly() as api:
        yield api


@pytest.fixture
def step(api: LaunchDarkly) -> LaunchDarklyOff:
    return LaunchDarklyOff("shop", "fast-path", "production", Secret("token"), api.url)


async def test_the_patch_is_semantic_and_says_who_did_it(
    api: LaunchDarkly, step: LaunchDarklyOff, outside: Outside
) -> None:
    await Target(outside).act(step)
    [request] = api.changes()
    assert (request.path, request.json) == (
        "/api/v2/flags/shop/fast-path",
        {
            "environmentKey": "production",
            "instructions": [{"kind": "turnFlagOff"}],
            "comment": "Rolled back by Handrail",
        },
    )


@pytest.mark.parametrize(
    ("approvals", "ready", "reason"),
    [
        ({"required": False}, True, READY),
        ({"required": True}, False, WAITS),
        ({"required": True, "requiredApprovalTags": ["web"]}, False, WAITS),
    ],
)
async def test_approvals_are_found_out_before_the_rollout(
    api: LaunchDarkly,
    step: LaunchDarklyOff,
    outside: Outside,
    approvals: dict[str, object],
    ready: bool,
    reason: str,
) -> None:
    api.approvals = approvals
    rehearsal = await Target(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.reason, api.on) == (ready, reason, True)


async def test_an_approval_in_the_way_is_a_refusal(
    api: LaunchDarkly, step: LaunchDarklyOff, outside: Outside
) -> None:
    api.approvals = {"required": True}
    with pytest.raises(Permanent) as raised:
        await Target(outside).act(step)
    assert (raised.value.cause, api.on) == (Cause.refused, True)


async def test_a_token_that_may_only_look_is_found_by_the_dry_run(
    api: LaunchDarkly, step: LaunchDarklyOff, outside: Outside
) -> None:
    api.may_write = False
    rehearsal = await Target(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.reason.partition(":")[0]) == (
        False,
        "LaunchDarkly answered 403 Forbidden",
    )


async def test_an_archived_flag_is_not_ready(
    api: LaunchDarkly, step: LaunchDarklyOff, outside: Outside
) -> None:
    api.archived = True
    rehearsal = await Target(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.reason) == (
        False,
        "shop/fast-path in production is archived; restore it or correct the step",
    )


async def test_an_environment_that_is_not_there_is_missing(step: LaunchDarklyOff, outside: Outside) -> None:
    with pytest.raises(Permanent) as raised:
        await Target(outside).read(replace(step, environment="staging"))
    assert (raised.value.cause, str(raised.value)) == (
        Cause.missing,
        "LaunchDarkly shows no shop/fast-path in staging; correct the environment's key",
    )
