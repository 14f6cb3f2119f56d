"""A step with several nodes → the same step on each of them."""

from __future__ import annotations

from handrail.contract import HAProxyState, HAProxyWeight
from handrail_receiver.model.nodes import node_of, on_each_node


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
