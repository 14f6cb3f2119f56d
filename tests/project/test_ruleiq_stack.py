"""ruleiq's stack from nothing: where Grafana's data source leads, and what its people find when something does not work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from handrail.output.read_yaml import read_yaml

TOP = Path(__file__).parents[2]


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = read_yaml((TOP / "generated" / name).read_text(encoding="utf-8"))
    return found


def test_grafanas_data_source_is_the_prometheus_that_scrapes_the_application() -> None:
    [source] = read("grafana/provisioning/datasources/handrail.yml")["datasources"]
    assert {key: source[key] for key in ("name", "type", "access", "url", "editable")} == {
        "name": "Prometheus",
        "type": "prometheus",
        "access": "proxy",
        "url": "http://prometheus.internal:9090",
        "editable": False,
    }
    compose = read("compose.yaml")["services"]
    assert compose["prometheus"]["networks"]["default"]["aliases"] == ["prometheus.internal"]
    assert "./grafana/provisioning:/etc/grafana/provisioning:ro" in compose["grafana"]["volumes"]
    assert {"job_name": "ruleiq", "targets": ["ruleiq.internal:8000"]} in [
        {"job_name": job["job_name"], "targets": job["static_configs"][0]["targets"]}
        for job in read("prometheus/prometheus.yml")["scrape_configs"]
    ]


ISSUES = {
    "Prometheus cannot scrape": ["`connection refused`", "the firewall between them", 'path="/q/metrics"'],
    "Metrics are missing": ["make the metrics middleware the outermost", "paths that it exempts"],
    "Grafana does not start, or shows nothing": ["another program uses port 3000", "`permission denied`"],
    "Alerts do not fire": ["promtool check rules", "handrail doctor"],
    "The rollback is too sensitive": ["confirm=", "sustained="],
}
"""Each issue of the document's table, and what its cure is about."""


def test_each_common_issue_of_the_document_has_its_chapter_with_the_cure() -> None:
    page = (TOP / "docs/how-to/troubleshooting.md").read_text(encoding="utf-8")
    chapters = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert {
        issue: [one for one in cures if one not in chapters.get(issue, "")] for issue, cures in ISSUES.items()
    } == {issue: [] for issue in ISSUES}
