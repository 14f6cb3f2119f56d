"""A playbook → what the receiver does in the cluster that it runs in itself: steps, and versions that a start reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from handrail.contract import (
    ArgoVersion,
    Command,
    DeploymentImage,
    DeploymentVersion,
    FlagOff,
    FlagShare,
    GitValue,
    HAProxyState,
    HAProxyWeight,
    HttpCall,
    HttpVersion,
    LaunchDarklyOff,
    OpenArms,
    Playbook,
    RolloutAbort,
    Step,
    VersionSource,
)
from handrail.plan import ClusterAccess

_ARGO: Final = "argoproj.io"


def cluster_access(playbook: Playbook) -> tuple[ClusterAccess, ...]:
    """Each right once, sorted; rights at an API server elsewhere are not ours to grant."""
    steps = [step for stage in playbook.stages for step in stage.enter]
    steps += [step for action in playbook.actions for step in action.steps]
    arms = playbook.arms
    sources = [arms.canary, arms.stable] if isinstance(arms, OpenArms) else []
    needed = {access for step in steps for access in _of_step(step)}
    return tuple(sorted(needed | {access for source in sources for access in _of_source(source)}))


def _of_step(step: Step) -> Iterator[ClusterAccess]:
    """The rights that the step's page in docs/reference/targets names."""
    match step:
        case RolloutAbort() if _is_own(step.api):
            for resource, verb in (("rollouts", "get"), ("rollouts/status", "patch")):
                yield ClusterAccess(step.namespace, _ARGO, resource, verb, step.rollout, step.token.name)
        case DeploymentImage(deployment=name) if _is_own(step.api):
            for verb in ("get", "patch"):
                yield ClusterAccess(step.namespace, "apps", "deployments", verb, name, step.token.name)
            if step.image is None:  # what runs is pinned by what the pods say
                yield ClusterAccess(step.namespace, "", "pods", "list", "", step.token.name)
        case RolloutAbort() | DeploymentImage():
            pass  # at an API server elsewhere
        case HAProxyWeight() | HAProxyState() | FlagOff() | FlagShare() | LaunchDarklyOff():
            pass
        case GitValue() | HttpCall() | Command():
            pass


def _of_source(source: VersionSource | None) -> Iterator[ClusterAccess]:
    match source:
        case ArgoVersion() if _is_own(source.api):
            yield ClusterAccess(source.namespace, _ARGO, "rollouts", "get", source.rollout, source.token.name)
        case DeploymentVersion(deployment=name) if _is_own(source.api):
            yield ClusterAccess(source.namespace, "apps", "deployments", "get", name, source.token.name)
        case ArgoVersion() | DeploymentVersion() | HttpVersion() | None:
            pass


def _is_own(api: str) -> bool:
    """Whether it is the API server of the receiver's own cluster, as every pod knows it."""
    return (urlsplit(api).hostname or "").split(".")[:2] in (["kubernetes"], ["kubernetes", "default"])
