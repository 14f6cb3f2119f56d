"""Steps → the same steps on each of their nodes: each is read, written, proved and tried again separately.

Pure. Only HAProxy has nodes so far: each socket is one.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import fields, replace

from handrail.contract import (
    Command,
    DeploymentImage,
    FieldRole,
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

from handrail_receiver.model.runs import Effect


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


def waits_for(effects: Sequence[Effect]) -> list[frozenset[int]]:
    """For each effect, the places of those that must have had their turn before.

    Steps go in their order. The nodes of one step do not wait for each other. A node waits for the same node of
    earlier steps, not for their other nodes; but all wait for every node of a step that stops on failure.
    """
    steps = _steps(effects)
    return [
        frozenset().union(*(_before(effects, step, place) for step in steps[:number]))
        for number, places in enumerate(steps)
        for place in places
    ]


def _on_each(step: Step) -> tuple[Step, ...]:
    match step:
        case HAProxyState() | HAProxyWeight() if len(step.sockets) > 1:
            return tuple(replace(step, sockets=[socket]) for socket in step.sockets)
        case HAProxyState() | HAProxyWeight() | FlagOff() | FlagShare() | LaunchDarklyOff():
            return (step,)
        case RolloutAbort() | DeploymentImage() | GitValue() | HttpCall() | Command():
            return (step,)


def _before(effects: Sequence[Effect], step: Sequence[int], place: int) -> frozenset[int]:
    node = node_of(effects[place].step)
    same = [one for one in step if node and node_of(effects[one].step) == node]
    stops = any(effects[one].step.on_failure == "stop" for one in step)
    return frozenset(same if same and not stops else step)


def _steps(effects: Sequence[Effect]) -> list[list[int]]:
    """The places of the effects, declared step by declared step."""
    steps: list[list[int]] = []
    for place, effect in enumerate(effects):
        if place and _but_node(effect.step) == _but_node(effects[place - 1].step):
            steps[-1].append(place)
        else:
            steps.append([place])
    return steps


def _but_node(step: Step) -> Hashable:
    return tuple((one.name, repr(getattr(step, one.name))) for one in fields(step) if one.name != "sockets")


def _compared(step: Step, role: FieldRole) -> Hashable:
    """Written out, because a list has no hash and `True == 1`."""
    return tuple((name, repr(value)) for name, value in fields_of(step, role))
