"""A step → what it does and to what; two readings of its target → what changed: in one line that people read."""

from __future__ import annotations

import shlex
from itertools import takewhile

from handrail.contract import (
    Command,
    DeploymentImage,
    FlagOff,
    FlagShare,
    GitValue,
    HAProxyState,
    HAProxyWeight,
    HttpCall,
    LaunchDarklyOff,
    RolloutAbort,
    Step,
    Written,
)


def what(step: Step) -> str:
    """The target and the value that it should have."""
    match step:
        case HAProxyWeight(server=server, weight=weight):
            return f"HAProxy {server} on {', '.join(step.sockets)}: weight {weight}"
        case HAProxyState(server=server, state=state):
            return f"HAProxy {server} on {', '.join(step.sockets)}: {state}"
        case FlagOff(feature=flag, environment=environment, project=project):
            return f"Unleash {project}/{flag}: off in {environment}"
        case FlagShare(feature=flag, environment=environment, project=project, percent=percent):
            return f"Unleash {project}/{flag}: on for {percent} % in {environment}"
        case LaunchDarklyOff(flag=flag, environment=environment, project=project):
            return f"LaunchDarkly {project}/{flag}: off in {environment}"
        case RolloutAbort(namespace=namespace, rollout=rollout):
            return f"Argo Rollout {namespace}/{rollout}: aborted"
        case DeploymentImage():
            return f"Deployment {step.namespace}/{step.deployment}, {step.container}: {_open(step.image)}"
        case GitValue():
            return f"Git {step.repository} {step.branch}, {step.path}: {step.key} = {_open(step.value)}"
        case HttpCall(method=method, url=url):
            return f"{method} {url}"
        case Command(argv=argv):
            return f"$ {shlex.join(argv)}"


def change(before: str, after: str) -> str:
    """`weight 10` and `weight 0` → `weight 10 → 0`: what two readings of one target have in common stands once."""
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(f"{before} ", f"{after} ", strict=False))
    same = "".join(letter for letter, _ in pairs)
    rest = after[same.rfind(" ") + 1 :]
    return after if before == after else f"{before} → {rest or after}"


def told(step: str, reading: str) -> str:
    """What a step does, and what was found: said once where `found` names the target itself."""
    return reading if reading.startswith(step.partition(": ")[0]) else f"{step} ← {reading}"


def _open(value: object) -> str:
    """A value that is pinned when an attempt begins."""
    if isinstance(value, Written):
        return value.text
    return "as it was before the attempt" if value is None else str(value)


def an(action: str) -> str:
    """`a rollback`, `an emergency-rollback`."""
    return f"{'an' if action[0] in 'aeiou' else 'a'} {action}"
