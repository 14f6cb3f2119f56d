"""Where a version can be read when an attempt starts: one class for each kind of source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from handrail.base import declared
from handrail.contract.addresses import HeaderName, NormalBase, Scheme, Secret, Url
from handrail.contract.steps import Pointer


@declared
class _Read:
    timeout: Annotated[float, Field(gt=0, le=60)] = Field(default=10.0, kw_only=True)


@declared
class DeploymentVersion(_Read):
    """The version that a Kubernetes Deployment asks for: its pods' `label`, or the image tag of its `container`."""

    api: NormalBase
    namespace: str
    deployment: str
    token: Secret
    label: str | None = Field(default=None, kw_only=True)
    container: str | None = Field(default=None, kw_only=True)
    kind: Literal["deployment"] = Field(default="deployment", kw_only=True)

    @model_validator(mode="after")
    def _one(self) -> DeploymentVersion:
        if (self.label is None) == (self.container is None):
            raise ValueError("a version is read in one place; give either label= or container=")
        return self


@declared
class ArgoVersion(_Read):
    """The pod-template hash of an Argo Rollout: as `canary=` the one it updates to, as `stable=` the stable one."""

    api: NormalBase
    namespace: str
    rollout: str
    token: Secret
    kind: Literal["argo"] = Field(default="argo", kw_only=True)


@declared
class HttpVersion(_Read):
    """The JSON text or number at `pointer` (RFC 6901) in what a GET of `url` answers."""

    url: Url
    pointer: Pointer
    token: Secret | None = None
    token_header: HeaderName = Field(default="Authorization", kw_only=True)
    token_scheme: Scheme = Field(default="Bearer", kw_only=True)
    kind: Literal["http"] = Field(default="http", kw_only=True)


VersionSource = Annotated[DeploymentVersion | ArgoVersion | HttpVersion, Field(discriminator="kind")]
