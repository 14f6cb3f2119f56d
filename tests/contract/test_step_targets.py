"""A step with several nodes → the same step on each of them."""

from __future__ import annotations

from dataclasses import replace

from handrail.contract import FlagOff, HAProxyState, HAProxyWeight, Secret, node_of, on_each_node

A, B = "lb1:9999", "lb2:9999"
CANARY = HAProxyWeight("web/canary", 0, [A, B])
FLAG = FlagOff("https://flags.example", "shop", "fast", "production", Secret("flags"))


def test_a_step_is_copied_once_for_each_of_its_nodes_and_keeps_all_else() -> None:
    weight = HAProxyWeight("web/canary", 0, ["lb1:9999", "lb2:9999"], on_failure="stop")
    state = HAProxyState("web/canary", "maint", ["lb1:9999"])
    copies = on_each_node([weight, state])
    assert copies == (
        HAProxyWeight("web/canary", 0, ["lb1:9999"], on_failure="stop"),
        HAProxyWeight("web/canary", 0, ["lb2:9999"], on_failure="stop"),
        state,
    )
    assert [node_of(step) for step in copies] == ["lb1:9999", "lb2:9999", "lb1:9999"]


def test_a_step_on_several_nodes_is_one_step_on_each() -> None:
    state = HAProxyState("web/canary", "maint", [B])
    assert on_each_node([CANARY, FLAG, state]) == (
        replace(CANARY, sockets=[A]),
        replace(CANARY, sockets=[B]),
        FLAG,
        state,
    )
    assert [node_of(step) for step in on_each_node([CANARY, FLAG, state])] == [A, B, "", B]
