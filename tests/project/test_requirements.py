"""docs/maintainers/requirements.md names what exists: alerts, panels, gate checks and files."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parents[2]
GENERATED = TOP / "generated"
PAGE = (TOP / "docs/maintainers/requirements.md").read_text(encoding="utf-8")
ROWS = [
    (section.partition("\n")[0], *row)
    for section in PAGE.split("\n## ")[1:]
    for row in re.findall(r"^\| (.+?) \| (.+) \|$", section, re.MULTILINE)
    if row[0] != "line"
]


@cache
def alerts(rollout: str) -> frozenset[str]:
    """The alerts of a rollout's rules."""
    rules = yaml.safe_load((GENERATED / "prometheus" / "rules" / f"{rollout}.yml").read_text())
    return frozenset(rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule)


@cache
def panels(rollout: str) -> frozenset[str]:
    """The titles of a rollout's panels on all its dashboards."""

    def titles(found: list[dict[str, Any]]) -> set[str]:
        return {panel["title"] for panel in found} | {
            title for panel in found for title in titles(panel.get("panels", []))
        }

    files = GENERATED.glob(f"grafana/dashboards/{rollout}*.json")
    return frozenset(title for file in files for title in titles(json.loads(file.read_text())["panels"]))


@pytest.mark.parametrize(
    ("rollout", "line", "became"), ROWS, ids=[f"{r}: {line[:40]}" for r, line, _ in ROWS]
)
def test_what_a_line_became_exists(rollout: str, line: str, became: str) -> None:
    playbook = (GENERATED / "playbook" / f"{rollout}.json").read_text()
    scraped = (GENERATED / "prometheus" / "prometheus.yml").read_text()
    for name in re.findall(r"`([^`]+)`", became):
        if name[0].isupper() and not name.startswith("…"):
            known = name in alerts(rollout) | panels(rollout) or name in playbook
            assert known, f"{rollout} has no alert, panel or check called {name} ({line})"
        elif name.endswith(".json"):
            assert (GENERATED / "grafana" / "dashboards" / name).is_file()
        elif name.startswith(f"{rollout.partition('-')[0]}-"):
            assert f"job_name: {name}\n" in scraped


def test_every_acting_and_warning_alert_of_the_rollouts_stands_in_the_table() -> None:
    named = set(re.findall(r"`([A-Z]\w+)`", PAGE))
    rollouts = ("aidin-hardening", "mem0-redis", "aurigraph-v12", "relay-r1", "ruleiq")
    told = {alert for rollout in rollouts for alert in alerts(rollout)}
    told = {
        alert for alert in told if not alert.endswith(("Blind", "Thin", "Heartbeat")) and "Slo" not in alert
    }
    assert told - named == set()
