"""A rollout → grafana/dashboards/<rollout>*.json, by the foundation SDK."""

from __future__ import annotations

from handrail.emit.document import json_lines
from handrail.plan import Environment, Rollout

DEPTH = 4
"""A line for each query of a panel."""


def emit(rollout: Rollout, environment: Environment) -> dict[str, str]:
    """Every dashboard of the rollout."""
    from handrail.emit.grafana.pages import pages  # noqa: PLC0415  the SDK is loaded only when it is needed

    return {path: json_lines(dashboard, DEPTH) for path, dashboard in pages(rollout, environment).items()}
