"""A step → its target, the value it asks of it, and the same step on each of its nodes. Pure.

Only HAProxy has nodes so far: each socket is one.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from handrail.contract.step_fields import FieldRole
from handrail.contract.steps import (
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
    fields_of,
)


def on_each_node(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps in their order, each once for each of its nodes."""
    return tuple(one for step in steps for one in _on_each(step))


def node_of(step: Step) -> str:
    """The one node of a step; empty where it has none, or several."""
    if isinstance(step, HAProxyState | HAProxyWeight) and len(step.sockets) == 1:
        return step.sockets[0]
    return ""


def target_of(step: Step) -> Hashable:
    """What tells a step's target from every other: the same for two steps that only ask for different values."""
    return _compared(step, FieldRole.identity)


def value_of(step: Step) -> Hashable:
    """What a step asks of its target: the same for two steps that only do it by different means."""
    return _compared(step, FieldRole.value)


def _on_each(step: Step) -> tuple[Step, ...]:
    match step:
        case HAProxyState() | HAProxyWeight() if len(step.sockets) > 1:
            return tuple(replace(step, sockets=[socket]) for socket in step.sockets)
        case HAProxyState() | HAProxyWeight() | FlagOff() | FlagShare() | LaunchDarklyOff():
            return (step,)
        case RolloutAbort() | DeploymentImage() | GitValue() | HttpCall() | Command():
            return (step,)


def _compared(step: Step, role: FieldRole) -> Hashable:
    """Written out, because a list has no hash and `True == 1`."""
    return tuple((name, repr(value)) for name, value in fields_of(step, role))
