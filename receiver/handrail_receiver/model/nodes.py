"""The effects of a run → which of them wait for which others: nodes go on separately. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import fields

from handrail.contract import Step, node_of

from handrail_receiver.model.runs import Effect


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
