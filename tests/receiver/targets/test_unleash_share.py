"""FlagShare → for which share of its users a flag is on, set and read back, and when nobody could say which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from apis import Unleash
from handrail.contract import FlagShare, Secret
from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside import Outside
from handrail_receiver.ports import Reading
from handrail_receiver.targets.unleash_share import UnleashShare

pytestmark = pytest.mark.anyio
GRADUAL: dict[str, Any] = {
    "id": "s",
    "name": "flexibleRollout",
    "parameters": {"rollout": "10", "stickiness": "userId"},
}


@pytest.fixture
def api() -> Iterator[Unleash]:
    with Unleash() as api:
        api.on["production"] = False
        yield api


@pytest.fixture
def step(api: Unleash) -> FlagShare:
    return FlagShare(api.url, "default", "fast-path", "production", Secret("token"), 10)


async def test_each_stage_sets_its_share_and_reads_it_back(
    api: Unleash, step: FlagShare, outside: Outside
) -> None:
    target = UnleashShare(outside)
    found = [await target.read(step)]
    for percent in (10, 50, 100):
        await target.act(replace(step, percent=percent))
        found.append(await target.read(replace(step, percent=percent)))
    assert found == [
        Reading(done=False, found="Unleash default/fast-path in production is off, without a share"),
        Reading(done=True, found="Unleash default/fast-path in production is on for 10 %"),
        Reading(done=True, found="Unleash default/fast-path in production is on for 50 %"),
        Reading(done=True, found="Unleash default/fast-path in production is on for 100 %"),
    ]
    assert (api.on, len(api.strategies["production"])) == ({"development": True, "production": True}, 1)


async def test_the_share_is_set_before_the_flag_is_switched_on(
    api: Unleash, step: FlagShare, outside: Outside
) -> None:
    await UnleashShare(outside).act(step)
    place = "/api/admin/projects/default/features/fast-path/environments/production"
    assert [(one.method, one.path) for one in api.requests[1:]] == [
        ("POST", f"{place}/strategies"),
        ("POST", f"{place}/on"),
    ]


async def test_what_else_its_strategy_says_stays(api: Unleash, step: FlagShare, outside: Outside) -> None:
    api.strategies["production"] = [{**GRADUAL, "parameters": dict(GRADUAL["parameters"])}]
    await UnleashShare(outside).act(replace(step, percent=50))
    [strategy] = api.strategies["production"]
    assert strategy["parameters"] == {"rollout": "50", "stickiness": "userId"}


async def test_a_flag_that_is_off_is_not_on_for_its_share(
    api: Unleash, step: FlagShare, outside: Outside
) -> None:
    api.strategies["production"] = [GRADUAL]
    off = Reading(done=False, found="Unleash default/fast-path in production is off, for 10 %")
    assert await UnleashShare(outside).read(step) == off


@pytest.mark.parametrize(
    ("strategies", "named"),
    [
        ([GRADUAL, {"id": "t", "name": "userWithId"}], "flexibleRollout, userWithId"),
        ([{"id": "t", "name": "default"}], "default"),
        ([{**GRADUAL, "constraints": [{"contextName": "country"}]}], "flexibleRollout"),
        ([{**GRADUAL, "segments": [7]}], "flexibleRollout"),
    ],
)
async def test_another_strategy_or_a_condition_of_its_own_would_make_the_share_untrue(
    api: Unleash, step: FlagShare, outside: Outside, strategies: list[dict[str, Any]], named: str
) -> None:
    api.strategies["production"] = strategies
    target = UnleashShare(outside)
    rehearsal = await target.rehearse(step)
    with pytest.raises(Permanent) as raised:
        await target.act(step)
    assert (rehearsal.ready, raised.value.cause, api.on["production"]) == (False, Cause.conflict, False)
    assert f"has the strategies {named}, so that nobody can say for which share it is on" in rehearsal.reason


async def test_a_strategy_that_is_disabled_does_not_count(
    api: Unleash, step: FlagShare, outside: Outside
) -> None:
    api.on["production"] = True
    api.strategies["production"] = [GRADUAL, {"id": "t", "name": "default", "disabled": True}]
    assert (await UnleashShare(outside).read(step)).done


@pytest.mark.parametrize("lacking", ["UPDATE_FEATURE_STRATEGY", "CREATE_FEATURE_STRATEGY"])
async def test_a_token_that_may_not_change_strategies_is_not_ready(
    api: Unleash, step: FlagShare, outside: Outside, lacking: str
) -> None:
    api.permissions = [one for one in api.permissions if one["permission"] != lacking]
    rehearsal = await UnleashShare(outside).rehearse(step)
    assert (rehearsal.ready, lacking in rehearsal.reason) == (False, True)
