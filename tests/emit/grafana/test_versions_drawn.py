"""`Arms("version")`: what a dashboard and a runbook say of versions that only a start gives."""

from __future__ import annotations

import json
from typing import Any

from handrail.declare import (
    Above,
    Arms,
    Command,
    Critical,
    Environment,
    Guardrail,
    Ratio,
    Rollout,
    Runbook,
    Stage,
)
from handrail.emit import grafana, runbooks
from handrail.lower import lower
from handrail.plan import Rollout as Planned

HERE = Environment("here", receiver="http://handrail:8080")


def shop() -> Planned:
    declared = Rollout(
        "shop",
        "shop",
        arms=Arms("version"),
        stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
        guardrails=[
            Guardrail(
                "errors",
                Ratio(bad='requests_total{status=~"5.."}', of="requests_total"),
                title="Share of errors",
                tiers=[Critical(Above("5%"), action="rollback")],
                runbook=Runbook("Nobody can buy.", look=["The log."], fix=["Roll back."]),
            )
        ],
        rollback=[Command(["back"], read=["is-back"])],
    )
    (planned,) = lower([declared], HERE).rollouts
    return planned


def panels() -> dict[str, dict[str, str]]:
    """Each panel of the rollout's page: legend → query."""
    page: dict[str, Any] = json.loads(
        grafana.emit(shop(), lower([], HERE).environment)["grafana/dashboards/shop.json"]
    )
    return {
        panel["title"]: {target["legendFormat"]: target["expr"] for target in panel.get("targets", [])}
        for panel in page["panels"]
    }


def test_a_dashboard_says_which_version_each_arm_is() -> None:
    versions = 'max by (arm, value) (handrail_rollout_arm{rollout="shop"}) > 0'
    assert panels()["Versions"] == {"{{arm}} {{value}}": versions}


def test_both_versions_are_drawn_as_they_are_recorded_with_their_arm() -> None:
    assert panels()["Share of errors"] == {
        "{{arm}} {{version}}": 'handrail:guardrail:value{rollout="shop",guardrail="errors"}',
        "critical → rollback": "vector(0.05)",
        "events in 5m": 'handrail:guardrail:events{rollout="shop",guardrail="errors",arm="canary"}',
        "events needed to judge": "vector(100)",
    }


def test_a_runbook_says_what_stands_for_the_versions() -> None:
    (text,) = runbooks.emit(shop(), lower([], HERE).environment).values()
    said = "`${canary}` and `${stable}` are the attempt's versions: `handrail rollout status` names them."
    assert text.count(said) == 1
