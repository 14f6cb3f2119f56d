"""A playbook → what its steps change in the cluster that the receiver itself runs in."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from handrail.contract import DeploymentImage, Playbook, RolloutAbort, Step
from handrail.plan import ClusterAccess


def cluster_access(playbook: Playbook) -> tuple[ClusterAccess, ...]:
    """Each object once, sorted; an API server elsewhere is somebody else's to grant."""
    steps = [step for stage in playbook.stages for step in stage.enter]
    steps += [step for action in playbook.actions for step in action.steps]
    return tuple(sorted({access for step in steps for access in _accesses(step)}))


def _accesses(step: Step) -> Iterator[ClusterAccess]:
    if isinstance(step, RolloutAbort) and _is_own_cluster(step.api):
        yield ClusterAccess(step.namespace, "argo-rollout", step.rollout, step.token.name)
    elif isinstance(step, DeploymentImage) and _is_own_cluster(step.api):
        yield ClusterAccess(
            step.namespace, "deployment", step.deployment, step.token.name, reads_pods=step.image is None
        )


def _is_own_cluster(api: str) -> bool:
    """Whether it is the API server of the cluster that the receiver itself runs in, as every pod knows it."""
    return (urlsplit(api).hostname or "").split(".")[:2] in (["kubernetes"], ["kubernetes", "default"])
