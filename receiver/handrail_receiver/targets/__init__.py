"""The kind of a step → the target that carries it out. docs/maintainers/development.md says how to add one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handrail_receiver.outside import Outside
from handrail_receiver.ports import Target
from handrail_receiver.targets.argo import ArgoRollouts
from handrail_receiver.targets.command import Commands
from handrail_receiver.targets.deployment import Deployments
from handrail_receiver.targets.git import Git
from handrail_receiver.targets.haproxy import HAProxy
from handrail_receiver.targets.http import HttpCalls
from handrail_receiver.targets.launchdarkly import LaunchDarkly
from handrail_receiver.targets.unleash import UnleashOff
from handrail_receiver.targets.unleash_share import UnleashShare

__all__ = ["TARGETS", "make_targets"]

TARGETS: tuple[tuple[tuple[str, ...], Callable[[Outside], Target]], ...] = (
    (("haproxy-weight", "haproxy-state"), lambda _: HAProxy()),
    (("unleash-off",), UnleashOff),
    (("unleash-share",), UnleashShare),
    (("launchdarkly-off",), LaunchDarkly),
    (("argo-abort",), ArgoRollouts),
    (("deployment-image",), Deployments),
    (("git-value",), Git),
    (("http",), HttpCalls),
    (("command",), Commands),
)


def make_targets(outside: Outside) -> Mapping[str, Target]:
    """One target for each kind of step."""
    made = [(kinds, make(outside)) for kinds, make in TARGETS]
    return {kind: target for kinds, target in made for kind in kinds}
