"""A generated file's name → the declaration that it comes from."""

from __future__ import annotations

from dataclasses import replace

from emit.guarded_shop import planned
from handrail.emit import sources_of


def test_a_file_belongs_to_the_rollout_its_name_begins_with_and_to_the_longest_of_such_names() -> None:
    plan = planned()
    one = plan.rollouts[0]
    rollouts = [replace(one, name=name, source=f"{name}.py") for name in ("relay", "relay-r1", "shop")]
    files = [
        "prometheus/rules/relay-r1.yml",
        "grafana/dashboards/relay-r1-rls.json",
        "grafana/dashboards/relay-rls.json",
        "prometheus/prometheus.yml",
    ]
    assert sources_of(files, replace(plan, rollouts=tuple(rollouts))) == {
        "prometheus/rules/relay-r1.yml": "relay-r1.py",
        "grafana/dashboards/relay-r1-rls.json": "relay-r1.py",
        "grafana/dashboards/relay-rls.json": "relay.py",
        "prometheus/prometheus.yml": "relay.py, relay-r1.py, shop.py",
    }
