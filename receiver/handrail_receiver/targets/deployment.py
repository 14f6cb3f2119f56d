"""DeploymentImage → a Deployment's container on a pinned image, by a patch that tests what it replaces."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from urllib.parse import quote

from handrail.contract import DeploymentImage
from pydantic import Field

from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.outside import Outside, Shape, TurnedDown
from handrail_receiver.ports import Reading, Rehearsal
from handrail_receiver.targets.kubernetes import Kubernetes, path_of


class Deployments:
    """Kubernetes Deployments; the image is absolute, never "the one before"."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def rehearse(self, step: DeploymentImage) -> Rehearsal:
        """Pin the image that runs now by its digest, and let the API server try the very patch as a dry run."""
        try:
            found = await self._ready(step)
            image = await self._image(step, found)
            await self._patch(step, found, image, dry_run=True)
        except TargetError as error:
            return Rehearsal(ready=False, reason=str(error), step=step, call=_call(step), cause=error.cause)
        running = found.spec.template.spec.image_of(step)
        reason = f"{_where(step)} asks for {running}; Kubernetes accepted {image} as a dry run"
        call = f"{_call(step)} {json.dumps(_patch_of(step, found, image))}"
        return Rehearsal(ready=True, reason=reason, step=replace(step, image=image), call=call)

    async def read(self, step: DeploymentImage) -> Reading:
        """Read the template's image, and whether every replica has it and is available."""
        found = await self._found(step)
        image = found.spec.template.spec.image_of(step)
        return Reading(
            done=image == _pinned(step) and found.settled,
            found=f"{_where(step)} asks for {image}, {found.progress}",
        )

    async def act(self, step: DeploymentImage) -> None:
        """Replace the image; Retryable when somebody changed the Deployment between our read and our patch."""
        found = await self._found(step)
        try:
            await self._patch(step, found, _pinned(step))
        except TurnedDown as error:
            if error.status in {409, 422} and await self._has_changed(step, found):
                raise Retryable(Cause.busy, f"{_where(step)} was changed by somebody else just now") from None
            raise

    async def _found(self, step: DeploymentImage) -> _Deployment:
        return (await Kubernetes(self._outside, step).get(_path(step))).into(_Deployment)

    async def _has_changed(self, step: DeploymentImage, before: _Deployment) -> bool:
        return (await self._found(step)).spec.template != before.spec.template

    async def _patch(
        self, step: DeploymentImage, found: _Deployment, image: str, *, dry_run: bool = False
    ) -> None:
        patch = _patch_of(step, found, image)
        await Kubernetes(self._outside, step).patch(_path(step), "json-patch", patch, dry_run=dry_run)

    async def _ready(self, step: DeploymentImage) -> _Deployment:
        cluster = Kubernetes(self._outside, step)
        await cluster.must_allow("patch", "apps", "deployments", name=step.deployment)
        found = await self._found(step)
        if found.spec.paused:
            raise Permanent(
                Cause.conflict, f"{_where(step)} is paused, a new image would not go out; resume it"
            )
        return found

    async def _image(self, step: DeploymentImage, found: _Deployment) -> str:
        """The declared image, or the one that runs, by its digest."""
        running = found.spec.template.spec.image_of(step)
        return step.image or (running if "@" in running else await self._digest(step, found, running))

    async def _digest(self, step: DeploymentImage, found: _Deployment, running: str) -> str:
        """`running` with the digest its pods report instead of its tag: a tag may move, a digest cannot."""
        cluster = Kubernetes(self._outside, step)
        await cluster.must_allow("list", "", "pods")
        labels = ",".join(f"{key}={value}" for key, value in found.spec.selector.match_labels.items())
        path = f"{path_of('v1', step.namespace, 'pods')}?labelSelector={quote(labels, safe='')}"
        pods = (await cluster.get(path)).into(_Pods)
        digests = {digest for pod in pods.items for digest in pod.digests(step.container, running)}
        if len(digests) != 1:
            shown = ", ".join(sorted(digests)) or "none"
            raise Permanent(
                Cause.conflict,
                f"the pods of {_where(step)} that run {running} report these digests: {shown}; "
                f"to pin it there must be one, or give image= by digest",
            )
        return f"{_without_tag(running)}@{digests.pop()}"


class _Container(Shape):
    name: str
    image: str


class _PodSpec(Shape):
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


class _Template(Shape):
    spec: _PodSpec


class _Selector(Shape):
    match_labels: dict[str, str] = Field(default_factory=dict)


class _Spec(Shape):
    template: _Template
    selector: _Selector = _Selector()
    replicas: int = 1
    paused: bool = False


class _Status(Shape):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0


class _Metadata(Shape):
    generation: int = 0


class _Deployment(Shape):
    metadata: _Metadata
    spec: _Spec
    status: _Status = _Status()

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


class _ContainerStatus(Shape):
    name: str
    image_id: str = Field(default="", validation_alias="imageID")


class _PodStatus(Shape):
    container_statuses: list[_ContainerStatus] = Field(default_factory=list)


class _Pod(Shape):
    spec: _PodSpec
    status: _PodStatus = _PodStatus()

    def digests(self, container: str, image: str) -> list[str]:
        """The digest this pod reports for `container`, where it runs `image`."""
        if not any(one.name == container and one.image == image for one in self.spec.containers):
            return []
        reported = (one.image_id for one in self.status.container_statuses if one.name == container)
        return [
            found[1] for image_id in reported if (found := re.search(r"@(sha256:[0-9a-f]{64})$", image_id))
        ]


class _Pods(Shape):
    items: list[_Pod]


def _where(step: DeploymentImage) -> str:
    return f"the Deployment {step.namespace}/{step.deployment}"


def _path(step: DeploymentImage) -> str:
    return path_of("apps/v1", step.namespace, "deployments", step.deployment)


def _call(step: DeploymentImage) -> str:
    return f"PATCH {step.api.rstrip('/')}{_path(step)}"


def _patch_of(step: DeploymentImage, found: _Deployment, image: str) -> list[dict[str, str]]:
    """The image put in the place of the one that is there, which is tested for."""
    containers = found.spec.template.spec.containers
    place = f"/spec/template/spec/containers/{[one.name for one in containers].index(step.container)}"
    return [
        {"op": "test", "path": f"{place}/name", "value": step.container},
        {"op": "test", "path": f"{place}/image", "value": found.spec.template.spec.image_of(step)},
        {"op": "replace", "path": f"{place}/image", "value": image},
    ]


def _pinned(step: DeploymentImage) -> str:
    if step.image is None:
        raise Permanent(Cause.invalid, f"{_where(step)} has no pinned image; rehearse the step first")
    return step.image


def _without_tag(image: str) -> str:
    folder, slash, name = image.rpartition("/")
    return folder + slash + name.partition(":")[0]
