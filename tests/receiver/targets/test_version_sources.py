"""Where a start reads versions: a Deployment, an Argo Rollout, any JSON; and what is no version."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from apis import Api, Kubernetes, Request
from handrail.contract import ArgoVersion, DeploymentVersion, HttpVersion, Secret, VersionSource
from handrail_receiver.errors import TargetError
from handrail_receiver.outside import Outside
from handrail_receiver.targets.version_sources import VersionSources
from starlette.responses import JSONResponse, Response

pytestmark = pytest.mark.anyio
TOKEN = Secret("token")


class Releases(Api):
    """A pipeline's record of what it deploys."""

    def answer(self, request: Request) -> Response:
        assert self.authorized(request)
        return JSONResponse(
            {"canary": {"version": "v44", "build": 1044}, "stable": ["v43"], "live": True, "none": None}
        )


@pytest.fixture(name="cluster")
def _cluster() -> Iterator[Kubernetes]:
    with Kubernetes() as cluster:
        yield cluster


def deployment(
    cluster: Kubernetes, label: str | None = None, container: str | None = None
) -> DeploymentVersion:
    return DeploymentVersion(cluster.url, "shop", "web", TOKEN, label=label, container=container)


async def read(outside: Outside, source: VersionSource, arm: str = "canary") -> str:
    """The version, or why there is none."""
    try:
        return await VersionSources(outside).read(source, arm)
    except TargetError as error:
        return f"{error.cause}: {error}"


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("r.io/web:v44", "v44"),
        ("r.io:5000/web:v44", "v44"),
        (f"r.io/web:v44@sha256:{'a' * 64}", "v44"),
        ("r.io:5000/web", "missing: the Deployment shop/web asks for r.io:5000/web, which has no tag"),
        (
            f"r.io/web@sha256:{'a' * 64}",
            f"missing: the Deployment shop/web asks for r.io/web@sha256:{'a' * 64}, which has no tag",
        ),
    ],
)
async def test_an_image_says_its_version_by_its_tag(
    cluster: Kubernetes, outside: Outside, image: str, version: str
) -> None:
    cluster.deployment["spec"]["template"]["spec"]["containers"][1]["image"] = image
    assert await read(outside, deployment(cluster, container="app")) == version


async def test_a_container_that_is_not_there_is_named(cluster: Kubernetes, outside: Outside) -> None:
    said = "missing: the Deployment shop/web has no container sidecar; correct container="
    assert await read(outside, deployment(cluster, container="sidecar")) == said


async def test_a_deployment_says_its_version_by_a_label_of_its_pods(
    cluster: Kubernetes, outside: Outside
) -> None:
    label = "app.kubernetes.io/version"
    none = f"missing: the Deployment shop/web gives its pods no label {label}"
    assert await read(outside, deployment(cluster, label=label)) == none
    cluster.deployment["spec"]["template"]["metadata"] = {"labels": {label: "v44"}}
    assert await read(outside, deployment(cluster, label=label)) == "v44"


async def test_an_argo_rollout_says_both(cluster: Kubernetes, outside: Outside) -> None:
    source = ArgoVersion(cluster.url, "shop", "web", TOKEN)
    assert [await read(outside, source, arm) for arm in ("canary", "stable")] == ["new", "old"]


async def test_an_argo_rollout_whose_controller_is_behind_says_nothing(
    cluster: Kubernetes, outside: Outside
) -> None:
    cluster.rollout["metadata"]["generation"] = 7
    cluster.rollout["status"]["observedGeneration"] = "6"
    said = "busy: the Rollout shop/web: the controller has seen generation 6 only, not yet 7"
    assert await read(outside, ArgoVersion(cluster.url, "shop", "web", TOKEN)) == said


@pytest.mark.parametrize(
    ("pointer", "version"),
    [("/canary/version", "v44"), ("/canary/build", "1044"), ("/stable/0", "v43")],
)
async def test_any_json_says_its_version_at_a_pointer(outside: Outside, pointer: str, version: str) -> None:
    with Releases() as releases:
        source = HttpVersion(f"{releases.url}/shop", pointer, TOKEN)
        assert await read(outside, source) == version


@pytest.mark.parametrize("pointer", ["/nowhere", "/canary", "/live", "/none", "/stable/1"])
async def test_what_is_no_text_and_no_number_is_no_version(outside: Outside, pointer: str) -> None:
    with Releases() as releases:
        source = HttpVersion(f"{releases.url}/shop", pointer, TOKEN)
        said = f"missing: {releases.url}/shop has no text and no number at {pointer}; correct the pointer"
        assert await read(outside, source) == said
