"""Steps on several nodes → which of them wait for which."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handrail.contract import Command, FlagOff, HAProxyWeight, Secret, Step, on_each_node
from handrail_receiver.model import Effect
from handrail_receiver.model.nodes import waits_for

A, B = "lb1:9999", "lb2:9999"
CANARY, STABLE = HAProxyWeight("web/canary", 0, [A, B]), HAProxyWeight("web/stable", 100, [A, B])
FLAG = FlagOff("https://flags.example", "shop", "fast", "production", Secret("flags"))
PROGRAM = Command(["true"], ["true"])


@pytest.mark.parametrize(
    ("steps", "waits"),
    [
        ([CANARY, STABLE], [set(), set(), {0}, {1}]),
        ([FLAG, CANARY, PROGRAM], [set(), {0}, {0}, {0, 1, 2}]),
        ([replace(CANARY, on_failure="stop"), STABLE], [set(), set(), {0, 1}, {0, 1}]),
        ([CANARY, replace(STABLE, sockets=["lb3:9999"])], [set(), set(), {0, 1}]),
        ([PROGRAM, FLAG, PROGRAM], [set(), {0}, {0, 1}]),
    ],
)
def test_steps_go_in_order_and_each_node_for_itself(steps: list[Step], waits: list[set[int]]) -> None:
    effects = [Effect(place, step) for place, step in enumerate(on_each_node(steps))]
    assert waits_for(effects) == waits
