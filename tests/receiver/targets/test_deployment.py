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


@pytest.mark.parametrize(
    ("image", "reported", "pinned"),
    [
        ("r.io/web:v1", "docker-pullable://r.io/web@{}", "r.io/web@{}"),
        ("r.io:5000/web:v1", "r.io:5000/web@{}", "r.io:5000/web@{}"),
        ("nginx:1.25", "docker.io/library/nginx@{}", "nginx@{}"),
        ("team/web", "index.docker.io/team/web@{}", "team/web@{}"),
        ("localhost/web:v1", "localhost/web@{}", "localhost/web@{}"),
    ],
)
async def test_a_digest_counts_where_its_repository_is_the_template_s_however_the_runtime_writes_it(
    api: Kubernetes, step: DeploymentImage, outside: Outside, image: str, reported: str, pinned: str
) -> None:
    api.deployment["spec"]["template"]["spec"]["containers"][1]["image"] = image
    api.image_ids = [reported.format(OLD)] * 2
    rehearsal = await Deployments(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.step) == (True, replace(step, image=pinned.format(OLD)))


@pytest.mark.parametrize("reported", ["mirror.io/web@{}", "r.io/other/web@{}", "docker.io/library/web@{}"])
async def test_a_digest_of_another_repository_is_not_pinned(
    api: Kubernetes, step: DeploymentImage, outside: Outside, reported: str
) -> None:
    api.image_ids = [f"r.io/web@{OLD}", reported.format(NEW)]
    rehearsal = await Deployments(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.step, rehearsal.reason) == (
        False,
        step,
        (
            f"the pods of the Deployment shop/web that run r.io/web:v1 report {reported.format(NEW)}, which is "
            "another repository, where the digest may be another one; give image= by digest"
        ),
    )


@pytest.mark.parametrize("image", ["r.io/web:v1", f"r.io/web@{NEW}"])
async def test_what_ran_is_not_known_while_two_versions_run(
    api: Kubernetes, step: DeploymentImage, outside: Outside, image: str
) -> None:
    api.deployment["spec"]["template"]["spec"]["containers"][1]["image"] = image
    api.deployment["status"]["updatedReplicas"] = 1
    rehearsal = await Deployments(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.reason) == (
        False,
        (
            f"the Deployment shop/web is between two versions ({image}: 1 of 2 replicas have it, 2 of 2 are "
            "available); wait until one of them runs alone, or give image= by digest"
        ),
    )


async def test_pods_that_run_another_image_than_was_asked_for_are_named(
    api: Kubernetes, step: DeploymentImage, outside: Outside
) -> None:
    api.runs = "mirror.io/web:v1"
    rehearsal = await Deployments(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.reason) == (
        False,
        (
            "the Deployment shop/web asks for r.io/web:v1, its pods run mirror.io/web:v1; give image= by digest"
        ),
    )


async def test_every_pod_is_asked_for_however_many_there_are(
    api: Kubernetes, step: DeploymentImage, outside: Outside
) -> None:
    api.digests = [OLD] * 250
    assert (await Deployments(outside).rehearse(step)).step == replace(step, image=PINNED)
    api.digests = [*[OLD] * 249, NEW]
    assert (await Deployments(outside).rehearse(step)).ready is False


async def test_pods_that_are_over_do_not_count(
    api: Kubernetes, step: DeploymentImage, outside: Outside
) -> None:
    api.digests = [OLD, NEW, NEW, NEW]
    api.over = {1: {"deletionTimestamp": "2026-11-27T13:00:00Z"}, 2: "Failed", 3: "Succeeded"}
    assert (await Deployments(outside).rehearse(step)).step == replace(step, image=PINNED)


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
        Cause.conflict,
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
