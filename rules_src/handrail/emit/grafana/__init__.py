"""Plan → grafana/: dashboards by the foundation SDK, and what Grafana needs to find them and Prometheus."""

from __future__ import annotations

from handrail.emit.document import json_lines, yaml_document
from handrail.plan import Plan

DEPTH = 4
"""A line for each query of a panel."""

FOLDER = "/etc/grafana/dashboards"
"""Where the dashboards lie for Grafana; whoever starts it puts generated/grafana/dashboards there."""


def emit(plan: Plan) -> dict[str, str]:
    """Every dashboard, and the provisioning."""
    from handrail.emit.grafana.pages import pages  # noqa: PLC0415  the SDK is loaded only when it is needed

    files = {
        path: json_lines(dashboard, DEPTH)
        for rollout in plan.rollouts
        for path, dashboard in pages(rollout, plan.environment.receiver).items()
    }
    return {
        **files,
        "grafana/provisioning/dashboards/handrail.yml": yaml_document(_dashboards(), plan.source),
        "grafana/provisioning/datasources/handrail.yml": yaml_document(_source(plan), plan.source),
    }


def _dashboards() -> dict[str, object]:
    provider = {
        "name": "handrail",
        "folder": "Handrail",
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "options": {"path": FOLDER},
    }
    return {"apiVersion": 1, "providers": [provider]}


def _source(plan: Plan) -> dict[str, object]:
    scrape = min(rollout.scrape for rollout in plan.rollouts)
    source = {
        "name": "Prometheus",
        "uid": "prometheus",
        "type": "prometheus",
        "access": "proxy",
        "url": plan.environment.prometheus,
        "isDefault": True,
        "editable": False,
        "jsonData": {"httpMethod": "POST", "timeInterval": f"{scrape.total_seconds():g}s"},
    }
    return {"apiVersion": 1, "datasources": [source]}
