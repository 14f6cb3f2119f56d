"""The rules of an escalation level → they fire for unresolved and blind alerts, never for shadows or other levels."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from emit.each import of_each
from emit.guarded_shop import planned
from handrail.emit import rules
from handrail.output.read_yaml import read_yaml
from servers import program
from servers.newer import newer

ALERTS = 'ALERTS{alertname="A",alertstate="firing",rollout="shop",service="shop",severity="P2",%s}'
EXPECTED = {"rollout": "shop", "service": "shop", "environment": "production", "severity": "P2"}


def _told(rule: Mapping[str, Any], guardrail: str, tier: str, severity: str) -> dict[str, Any]:
    """A level's alert about an alert that is unresolved, as promtool expects it."""
    labels = {
        **EXPECTED,
        "guardrail": guardrail,
        "tier": tier,
        "severity": severity,
        "level": rule["labels"]["level"],
        "action": "investigate",
    }
    texts = {
        key: text.replace("{{ $labels.guardrail }}", guardrail).replace("{{ $labels.tier }}", tier)
        for key, text in rule["annotations"].items()
    }
    return {"exp_labels": labels, "exp_annotations": texts}


@pytest.mark.parametrize("promtool", [program("promtool"), newer("promtool")], ids=["2.42", "newer"])
def test_a_level_escalates_what_is_in_force_or_blind_and_nothing_else(promtool: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(of_each(rules.emit, planned())["prometheus/rules/shop.yml"])
    firing = [
        'guardrail="errors",tier="critical",action="rollback",environment="production"',
        'guardrail="tried-out",tier="critical",action="rollback",mode="shadow",environment="production"',
        'guardrail="disk",tier="critical",action="investigate",level="vp",environment="production"',
        'guardrail="memory",tier="blind",action="hold",environment="production",reason="its metrics are missing"',
        'guardrail="disk",tier="critical",action="rollback",environment="staging"',
    ]
    series = [ALERTS % labels for labels in firing]
    series += [
        series[0].replace('"P2"', '"P1"').replace("critical", "emergency").replace("errors", "service"),
    ]
    loaded = read_yaml((tmp_path / "rules.yml").read_text())
    [manager, vp] = [r for g in loaded["groups"] for r in g["rules"] if "level" in r.get("labels", {})]
    told = [("errors", "critical", "P2"), ("memory", "blind", "P2"), ("service", "emergency", "P1")]
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": one, "values": "1x40"} for one in series],
                "alert_rule_test": [
                    {"eval_time": "4m", "alertname": manager["alert"], "exp_alerts": []},
                    {
                        "eval_time": "6m",
                        "alertname": manager["alert"],
                        "exp_alerts": [_told(manager, *one) for one in told],
                    },
                    {"eval_time": "31m", "alertname": vp["alert"], "exp_alerts": [_told(vp, *told[-1])]},
                ],
            }
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
    done = subprocess.run(
        [promtool, "test", "rules", "test.yml"], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
