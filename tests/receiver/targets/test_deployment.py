"""DeploymentImage → an image pinned by digest, and done only when every replica has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from apis import Kubernetes, Request
from apis.kubernetes import DEPLOYMENT, NEW, OLD
from handrail.contract import DeploymentImage, Secret
from handrail_receiver.errors import Cause, Permanent, Retryable
from handrail_receiver.outside import Outside
from handrail_receiver.ports import Reading
from handrail_receiver.targets.deployment import Deployments

pytestmark = pytest.mark.anyio
PINNED = f"r.io/web@{OLD}"


class Busy(Kubernetes):
    """Somebody else sets another image just before each patch arrives."""

    def answer(self, request: Request):  # type: ignore[no-untyped-def]
        if request.method == "PATCH":
            self.deployment["spec"]["template"]["spec"]["containers"][1]["image"] = (
                f"r.io/web:v{len(self.requests)}"
            )
        return super().answer(request)


@pytest.fixture
def api() -> Iterator[Kubernetes]:
    with Kubernetes() as api:
        yield api


@pytest.fixture
def step(api: Kubernetes) -> DeploymentImage:
    return DeploymentImage(api.url, "shop", "web", "app", Secret("token"))


async def test_the_image_that_runs_is_pinned_by_the_digest_its_pods_report(
    api: Kubernetes, step: DeploymentImage, outside: Outside
) -> None:
    rehearsal = await Deployments(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.step, rehearsal.reason, rehearsal.call, api.image) == (
        True,
        replace(step, image=PINNED),
        f"the Deployment shop/web asks for r.io/web:v1; Kubernetes accepted {PINNED} as a dry run",
        (
            f"PATCH {api.url}{DEPLOYMENT} "
            '[{"op": "test", "path": "/spec/template/spec/containers/1/name", "value": "app"}, '
            '{"op": "test", "path": "/spec/template/spec/containers/1/image", "value": "r.io/web:v1"}, '
            f'{{"op": "replace", "path": "/spec/template/spec/containers/1/image", "value": "{PINNED}"}}]'
        ),
        "r.io/web:v1",
    )


@pytest.mark.parametrize(("digests", "shown"), [([OLD, NEW], f"{OLD}, {NEW}"), ([], "none")])
async def test_an_image_is_not_pinned_while_its_tag_means_several_or_nothing(
    api: Kubernetes, step: DeploymentImage, outside: Outside, digests: list[str], shown: str
) -> None:
    api.digests = digests
    rehearsal = await Deployments(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.step, rehearsal.reason) == (
        False,
        step,
        (
            f"the pods of the Deployment shop/web that run r.io/web:v1 report these digests: {shown}; "
            "to pin it there must be one, or give image= by digest"
        ),
    )


async def test_a_declared_image_is_taken_as_it_stands(step: DeploymentImage, outside: Outside) -> None:
    declared = replace(step, image="r.io/web:v0")
    assert (await Deployments(outside).rehearse(declared)).step == declared


async def test_the_patch_tests_what_it_replaces(
    api: Kubernetes, step: DeploymentImage, outside: Outside
) -> None:
    await Deployments(outside).act(replace(step, image=PINNED))
    place = "/spec/template/spec/containers/1"
    assert [request.json for request in api.changes()] == [
        [
            {"op": "test", "path": f"{place}/name", "value": "app"},
            {"op": "test", "path": f"{place}/image", "value": "r.io/web:v1"},
            {"op": "replace", "path": f"{place}/image", "value": PINNED},
        ]
    ]


async def test_it_is_done_when_every_replica_has_the_image_and_not_before(
    api: Kubernetes, step: DeploymentImage, outside: Outside
) -> None:
    target, api.settles = Deployments(outside), False
    pinned = replace(step, image=PINNED)
    await target.act(pinned)
    seen = [await target.read(pinned)]
    api.deployment["status"] = {
        "observedGeneration": 2,
        "replicas": 3,
        "updatedReplicas": 1,
        "availableReplicas": 2,
    }
    seen.append(await target.read(pinned))
    api.deployment["status"] = {
        "observedGeneration": 2,
        "replicas": 2,
        "updatedReplicas": 2,
        "availableReplicas": 2,
    }
    seen.append(await target.read(pinned))
    asks = f"the Deployment shop/web asks for {PINNED}, "
    assert seen == [
        Reading(False, f"{asks}which the controller has not seen yet"),
        Reading(False, f"{asks}1 of 2 replicas have it, 2 of 3 are available"),
        Reading(True, f"{asks}2 of 2 replicas have it, 2 of 2 are available"),
    ]


async def test_a_change_by_somebody_else_in_between_is_worth_another_try(outside: Outside) -> None:
    with Busy() as api:
        step = DeploymentImage(api.url, "shop", "web", "app", Secret("token"), PINNED)
        with pytest.raises(Retryable) as raised:
            await Deployments(outside).act(step)
    assert (raised.value.cause, str(raised.value)) == (
        Cause.busy,
        "the Deployment shop/web was changed by somebody else just now",
    )


async def test_a_paused_deployment_is_not_ready(
    api: Kubernetes, step: DeploymentImage, outside: Outside
) -> None:
    api.deployment["spec"]["paused"] = True
    rehearsal = await Deployments(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.reason) == (
        False,
        "the Deployment shop/web is paused, a new image would not go out; resume it",
    )


async def test_a_container_that_is_not_there_is_named_with_those_that_are(
    step: DeploymentImage, outside: Outside
) -> None:
    with pytest.raises(Permanent) as raised:
        await Deployments(outside).read(replace(step, container="web", image=PINNED))
    assert str(raised.value) == (
        "the Deployment shop/web has no container web, it has proxy, app; correct the step"
    )


@pytest.mark.parametrize(
    ("allowed", "reason"),
    [
        ({"list pods"}, "the token may not patch deployments.apps in shop; grant it in a Role"),
        ({"patch deployments"}, "the token may not list pods in shop; grant it in a Role"),
    ],
)
async def test_a_token_without_a_right_is_found_out_before(
    api: Kubernetes, step: DeploymentImage, outside: Outside, allowed: set[str], reason: str
) -> None:
    api.allowed = allowed
    rehearsal = await Deployments(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.reason) == (False, reason)


async def test_a_step_that_was_never_rehearsed_is_not_guessed_at(
    step: DeploymentImage, outside: Outside
) -> None:
    with pytest.raises(Permanent) as raised:
        await Deployments(outside).act(step)
    assert str(raised.value) == "the Deployment shop/web has no pinned image; rehearse the step first"
