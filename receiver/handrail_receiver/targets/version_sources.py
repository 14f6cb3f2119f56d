"""VersionSource → the version that it names now; nothing is written."""

from __future__ import annotations

import re
from typing import Any

from handrail.contract import ArgoVersion, DeploymentVersion, HttpVersion, VersionSource, names

from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside import Outside
from handrail_receiver.outside.json_pointer import value_at
from handrail_receiver.targets.argo import pod_hashes
from handrail_receiver.targets.kubernetes import Kubernetes, path_of

TAG = re.compile(r"[^@]*:(?P<tag>[^:/@]+)(@.*)?$")
"""The tag of an image: behind the last colon that is no port's, before a digest."""


class VersionSources:
    """Reads versions when an attempt starts."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def read(self, source: VersionSource, arm: str) -> str:
        """The version of an arm. Raises TargetError where there is none, or nobody answers."""
        match source:
            case DeploymentVersion():
                return await self._of_deployment(source)
            case ArgoVersion():
                return await self._of_argo(source, arm)
            case HttpVersion():
                return await self._over_http(source)

    async def _of_deployment(self, source: DeploymentVersion) -> str:
        path = path_of("apps/v1", source.namespace, "deployments", source.deployment)
        deployment = (await Kubernetes(self._outside, source).get(path)).into(Any)
        where = f"the Deployment {source.namespace}/{source.deployment}"
        if source.label is not None:
            label = source.label.replace("~", "~0").replace("/", "~1")
            nothing = f"{where} gives its pods no label {source.label}"
            return _text(deployment, f"/spec/template/metadata/labels/{label}", nothing)
        containers = _found(deployment, "/spec/template/spec/containers") or []
        places = [place for place, one in enumerate(containers) if one.get("name") == source.container]
        nothing = f"{where} has no container {source.container}; correct container="
        place = places[0] if places else len(containers)
        image = _text(deployment, f"/spec/template/spec/containers/{place}/image", nothing)
        tag = TAG.match(image)
        return _there(tag["tag"] if tag else "", f"{where} asks for {image}, which has no tag")

    async def _of_argo(self, source: ArgoVersion, arm: str) -> str:
        canary, stable = await pod_hashes(self._outside, source)
        where = f"the Rollout {source.namespace}/{source.rollout}"
        return _there(canary if arm == names.CANARY else stable, f"{where} has no {arm} version")

    async def _over_http(self, source: HttpVersion) -> str:
        headers = self._outside.bearer(source.token, source.token_header, source.token_scheme)
        who = source.url.split("/")[2]
        answer = await self._outside.ask(who, "GET", source.url, timeout=source.timeout, headers=headers)
        nothing = (
            f"{source.url} has no text and no number at {source.pointer or 'its root'}; correct the pointer"
        )
        return _text(answer.into(Any), source.pointer, nothing)


def _found(document: Any, pointer: str) -> Any:
    try:
        return value_at(document, pointer)
    except LookupError:
        return None


def _text(document: Any, pointer: str, else_: str) -> str:
    """The text or number at a JSON pointer; raises Permanent, with `else_`, where there is none."""
    value = _found(document, pointer)
    known = isinstance(value, str | int | float) and not isinstance(value, bool)
    return _there(str(value) if known else "", else_)


def _there(version: str, else_: str) -> str:
    if not version:
        raise Permanent(Cause.missing, else_)
    return version
