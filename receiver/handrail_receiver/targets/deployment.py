"""DeploymentImage → a Deployment's container on a pinned image, by a patch that tests what it replaces."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from urllib.parse import quote

from handrail.contract import DeploymentImage
from pydantic import Field

from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.outside import AnswerBody, Outside, RefusedByService
from handrail_receiver.ports import Reading, Rehearsal
from handrail_receiver.targets.kubernetes import Kubernetes, path_of

DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
DOCKER_HUB = "docker.io"
PAGE = 100
"""How many pods are asked for at a time: all of them may be more than an answer may hold."""


class Deployments:
    """Kubernetes Deployments; the image is absolute, never "the one before"."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def rehearse(self, step: DeploymentImage) -> Rehearsal:
        """Pin the image that runs now by its digest, and let the API server try the very patch as a dry run."""
        try:
            deployment = await self._ready(step)
            image = await self._image(step, deployment)
            await self._patch(step, deployment, image, dry_run=True)
        except TargetError as error:
            return Rehearsal(ready=False, reason=str(error), step=step, call=_call(step), cause=error.cause)
        running = deployment.spec.template.spec.image_of(step)
        reason = f"{_where(step)} asks for {running}; Kubernetes accepted {image} as a dry run"
        call = f"{_call(step)} {json.dumps(_patch_of(step, deployment, image))}"
        return Rehearsal(ready=True, reason=reason, step=replace(step, image=image), call=call)

    async def read(self, step: DeploymentImage) -> Reading:
        """Read the template's image, and whether every replica has it and is available."""
        deployment = await self._found(step)
        image = deployment.spec.template.spec.image_of(step)
        return Reading(
            done=image == _pinned(step) and deployment.settled,
            found=f"{_where(step)} asks for {image}, {deployment.progress}",
        )

    async def act(self, step: DeploymentImage) -> None:
        """Replace the image; Retryable when somebody changed the Deployment between our read and our patch."""
        deployment = await self._found(step)
        try:
            await self._patch(step, deployment, _pinned(step))
        except RefusedByService as error:
            if error.status == 422 and await self._has_changed(step, deployment):
                raise Retryable(
                    Cause.conflict, f"{_where(step)} was changed by somebody else just now"
                ) from None
            raise

    async def _found(self, step: DeploymentImage) -> _Deployment:
        return (await Kubernetes(self._outside, step).get(_path(step))).into(_Deployment)

    async def _has_changed(self, step: DeploymentImage, before: _Deployment) -> bool:
        return (await self._found(step)).spec.template != before.spec.template

    async def _patch(
        self, step: DeploymentImage, deployment: _Deployment, image: str, *, dry_run: bool = False
    ) -> None:
        patch = _patch_of(step, deployment, image)
        await Kubernetes(self._outside, step).patch(_path(step), "json-patch", patch, dry_run=dry_run)

    async def _ready(self, step: DeploymentImage) -> _Deployment:
        cluster = Kubernetes(self._outside, step)
        await cluster.must_allow("patch", "apps", "deployments", name=step.deployment)
        deployment = await self._found(step)
        if deployment.spec.paused:
            raise Permanent(
                Cause.conflict, f"{_where(step)} is paused, a new image would not go out; resume it"
            )
        return deployment

    async def _image(self, step: DeploymentImage, deployment: _Deployment) -> str:
        """The declared image, or the one that runs, by its digest."""
        running = deployment.spec.template.spec.image_of(step)
        if step.image is not None:
            return step.image
        if not deployment.uniform:
            raise Permanent(
                Cause.conflict,
                f"{_where(step)} is between two versions ({running}: {deployment.progress}); wait until one of them runs "
                f"alone, or give image= by digest",
            )
        return running if "@" in running else await self._by_digest(step, deployment, running)

    async def _by_digest(self, step: DeploymentImage, deployment: _Deployment, running: str) -> str:
        """`running` with the digest its pods report instead of its tag: a tag may move, a digest cannot."""
        cluster = Kubernetes(self._outside, step)
        await cluster.must_allow("list", "", "pods")
        labels = ",".join(f"{key}={value}" for key, value in deployment.spec.selector.match_labels.items())
        path = f"{path_of('v1', step.namespace, 'pods')}?labelSelector={quote(labels, safe='')}&limit={PAGE}"
        listed = (await cluster.get(path)).into(_Pods)
        pods = list(listed.items)
        while listed.metadata.more:
            listed = (await cluster.get(f"{path}&continue={quote(listed.metadata.more, safe='')}")).into(
                _Pods
            )
            pods += listed.items
        return _pinned_by(step, running, [pod for pod in pods if pod.lives])


class _Container(AnswerBody):
    name: str
    image: str


class _PodSpec(AnswerBody):
    containers: list[_Container]

    def image_of(self, step: DeploymentImage) -> str:
        """The image of the step's container."""
        for container in self.containers:
            if container.name == step.container:
                return container.image
        names = ", ".join(container.name for container in self.containers)
        raise Permanent(
            Cause.missing,
            f"{_where(step)} has no container {step.container}, it has {names}; correct the step",
        )


class _Template(AnswerBody):
    spec: _PodSpec


class _Selector(AnswerBody):
    match_labels: dict[str, str] = Field(default_factory=dict)


class _Spec(AnswerBody):
    template: _Template
    selector: _Selector = _Selector()
    replicas: int = 1
    paused: bool = False


class _DeploymentStatus(AnswerBody):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0


class _DeploymentMetadata(AnswerBody):
    generation: int = 0


class _Deployment(AnswerBody):
    metadata: _DeploymentMetadata
    spec: _Spec
    status: _DeploymentStatus = _DeploymentStatus()

    @property
    def uniform(self) -> bool:
        """Whether every replica that there is has the template, available or not."""
        status = self.status
        return (
            status.observed_generation >= self.metadata.generation
            and status.updated_replicas == status.replicas
        )

    @property
    def settled(self) -> bool:
        """Whether the controller has seen the template and every replica, and no other, has it and is available."""
        status, wanted = self.status, self.spec.replicas
        seen = status.observed_generation >= self.metadata.generation
        return seen and status.replicas == status.updated_replicas == status.available_replicas == wanted

    @property
    def progress(self) -> str:
        """How far the template has got, in words."""
        status = self.status
        if status.observed_generation < self.metadata.generation:
            return "which the controller has not seen yet"
        return (
            f"{status.updated_replicas} of {self.spec.replicas} replicas have it, "
            f"{status.available_replicas} of {status.replicas} are available"
        )


class _ContainerStatus(AnswerBody):
    name: str
    image_id: str = Field(default="", validation_alias="imageID")


class _PodStatus(AnswerBody):
    phase: str = ""
    container_statuses: list[_ContainerStatus] = Field(default_factory=list)


class _PodMetadata(AnswerBody):
    deletion_timestamp: str | None = None


class _Pod(AnswerBody):
    metadata: _PodMetadata = _PodMetadata()
    spec: _PodSpec
    status: _PodStatus = _PodStatus()

    @property
    def lives(self) -> bool:
        """Whether it runs or will, and is not being ended."""
        return self.metadata.deletion_timestamp is None and self.status.phase not in {"Failed", "Succeeded"}

    def reported(self, container: str) -> list[str]:
        """The images by digest that this pod says it runs in `container`."""
        ids = (one.image_id for one in self.status.container_statuses if one.name == container)
        return [image_id.rpartition("://")[2] for image_id in ids if DIGEST.search(image_id)]


class _ListMetadata(AnswerBody):
    more: str = Field(default="", validation_alias="continue")


class _Pods(AnswerBody):
    metadata: _ListMetadata = _ListMetadata()
    items: list[_Pod]


def _where(step: DeploymentImage) -> str:
    return f"the Deployment {step.namespace}/{step.deployment}"


def _path(step: DeploymentImage) -> str:
    return path_of("apps/v1", step.namespace, "deployments", step.deployment)


def _call(step: DeploymentImage) -> str:
    return f"PATCH {step.api}{_path(step)}"


def _patch_of(step: DeploymentImage, deployment: _Deployment, image: str) -> list[dict[str, str]]:
    """The image put in the place of the one that is there, which is tested for."""
    containers = deployment.spec.template.spec.containers
    place = f"/spec/template/spec/containers/{[one.name for one in containers].index(step.container)}"
    return [
        {"op": "test", "path": f"{place}/name", "value": step.container},
        {"op": "test", "path": f"{place}/image", "value": deployment.spec.template.spec.image_of(step)},
        {"op": "replace", "path": f"{place}/image", "value": image},
    ]


def _pinned(step: DeploymentImage) -> str:
    if step.image is None:
        raise Permanent(Cause.invalid, f"{_where(step)} has no pinned image; rehearse the step first")
    return step.image


def _pinned_by(step: DeploymentImage, running: str, pods: list[_Pod]) -> str:
    """`running` by the one digest under which all pods run it; raises Permanent where they do not say one."""
    images = {one.image for pod in pods for one in pod.spec.containers if one.name == step.container}
    if images - {running}:
        raise Permanent(
            Cause.conflict,
            f"{_where(step)} asks for {running}, its pods run {', '.join(sorted(images))}; give image= by digest",
        )
    reported = {image for pod in pods for image in pod.reported(step.container)}
    elsewhere = sorted(image for image in reported if _repository(image) != _repository(running))
    if elsewhere:
        raise Permanent(
            Cause.conflict,
            f"the pods of {_where(step)} that run {running} report {', '.join(elsewhere)}, which is another "
            f"repository, where the digest may be another one; give image= by digest",
        )
    digests = {image.rpartition("@")[2] for image in reported}
    if len(digests) != 1:
        shown = ", ".join(sorted(digests)) or "none"
        raise Permanent(
            Cause.conflict,
            f"the pods of {_where(step)} that run {running} report these digests: {shown}; "
            f"to pin it there must be one, or give image= by digest",
        )
    return f"{_without_tag(running)}@{digests.pop()}"


def _without_tag(image: str) -> str:
    """`r.io:5000/web:v1@sha256:…` → `r.io:5000/web`."""
    folder, slash, name = image.partition("@")[0].rpartition("/")
    return folder + slash + name.partition(":")[0]


def _repository(image: str) -> str:
    """The repository of an image by its full name, as container runtimes write it: `nginx` → `docker.io/library/nginx`."""
    name = _without_tag(image)
    registry, slash, rest = name.partition("/")
    if not slash or not (registry == "localhost" or "." in registry or ":" in registry):
        registry, rest = DOCKER_HUB, name
    if registry.endswith(f".{DOCKER_HUB}"):  # index.docker.io
        registry = DOCKER_HUB
    if registry == DOCKER_HUB and "/" not in rest:
        rest = f"library/{rest}"
    return f"{registry}/{rest}"
