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
READY = "LaunchDarkly shop/fast-path in production is on; LaunchDarkly accepted the change as a dry run"
WAITS = (
    "production requires approvals, which wait for people; give the token's role bypassRequiredApproval and state "
    "bypasses_approval=True, exempt this flag (requiredApprovalTags), or roll back by another step"
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
        "/api/v2/flags/shop/fast-path?ignoreConflicts=true",
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


async def test_a_token_that_bypasses_approvals_has_to_be_declared_and_is_tried(
    api: LaunchDarkly, step: LaunchDarklyOff, outside: Outside
) -> None:
    api.approvals, declared = {"required": True}, replace(step, bypasses_approval=True)
    refused = await Target(outside).rehearse(declared)
    assert (refused.ready, refused.reason.partition(": ")[0]) == (
        False,
        f"LaunchDarkly at {api.url} answered 405 Method Not Allowed",
    )
    api.bypasses = True
    ready = await Target(outside).rehearse(declared)
    assert ready.ready
    assert ready.reason == READY.replace(
        "; ", "; production requires approvals, which the token bypasses, as is declared; "
    )
    await Target(outside).act(declared)
    assert not api.on


async def test_a_scheduled_change_does_not_keep_the_flag_on(
    api: LaunchDarkly, step: LaunchDarklyOff, outside: Outside
) -> None:
    api.scheduled = True
    assert (await Target(outside).rehearse(step)).ready
    await Target(outside).act(step)
    assert not api.on


async def test_the_call_is_shown_to_the_letter(step: LaunchDarklyOff, outside: Outside) -> None:
    assert (await Target(outside).rehearse(step)).call == (
        f"PATCH {step.url}/api/v2/flags/shop/fast-path?ignoreConflicts=true"
        ' {"environmentKey": "production", "instructions": [{"kind": "turnFlagOff"}],'
        ' "comment": "Rolled back by Handrail"}'
    )


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
    assert (rehearsal.ready, rehearsal.reason.partition(": ")[0]) == (
        False,
        f"LaunchDarkly at {api.url} answered 403 Forbidden",
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
