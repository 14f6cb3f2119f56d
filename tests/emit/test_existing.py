"""An environment with servers that exist already → files that they accept beside their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from emit.guarded_shop import kiosk, shop
from handrail.declare import Environment, Targets
from handrail.declare.environment import Existing
from handrail.emit import emit, emit_common
from handrail.lower import lower
from handrail.output.diff import differences
from handrail.output.read_yaml import read_yaml
from handrail.plan import Plan
from servers import PLAIN, Server, prometheus, until
from servers.newer import newer

SCRAPE = [
    Targets("shop", ["shop-canary:8000"], labels={"track": "canary"}),
    Targets("shop", ["shop-stable:8000"], labels={"track": "stable"}),
    Targets("sql", ["sql:9237"], drop_prefix="sql_"),
]
COMPANY = """\
global:
  scrape_interval: 1m
  scrape_timeout: 50s
rule_files: [/etc/prometheus/rules/*.yml, handrail/rules/*.yml]
scrape_config_files: [handrail/scrape_configs.yml]
scrape_configs:
- job_name: node
  static_configs: [{targets: ["node:9100"]}]
"""


def planned(existing: Sequence[Existing]) -> Plan:
    place = Environment(
        "production", receiver="https://ops.internal/handrail", scrape=SCRAPE, existing=existing
    )
    return lower([shop, kiosk], place)


def files(*existing: Existing) -> dict[str, str]:
    """All that is made of both rollouts."""
    plan = planned(existing)
    made = emit_common(plan.common)
    for rollout in plan.rollouts:
        made |= emit(rollout, plan.environment)
    return made


@pytest.mark.parametrize(
    ("existing", "instead"),
    [
        ([], set()),
        (["prometheus"], {"prometheus/scrape_configs.yml"}),
        (["alertmanager"], {"alertmanager/fragment.yml"}),
        (["grafana"], set[str]()),
        (
            ["prometheus", "alertmanager", "grafana"],
            {"prometheus/scrape_configs.yml", "alertmanager/fragment.yml"},
        ),
    ],
    ids=lambda value: "-".join(sorted(value)) or "none",
)
def test_what_is_there_gets_no_configuration_of_its_own(existing: list[Existing], instead: set[str]) -> None:
    whole = {
        "prometheus": {"prometheus/prometheus.yml"},
        "alertmanager": {"alertmanager/alertmanager.yml", "alertmanager/templates/handrail.tmpl"},
        "grafana": {"grafana/provisioning/datasources/handrail.yml"},
    }
    without = files().keys() - {path for name in existing for path in whole[name]}
    assert files(*existing).keys() == without | instead


def test_the_data_source_can_be_left_to_whoever_runs_grafana() -> None:
    place = Environment("production", scrape=SCRAPE, datasource="Prometheus", datasource_file=False)
    made = emit_common(lower([shop, kiosk], place).common)
    assert [path for path in made if path.startswith("grafana/provisioning")] == [
        "grafana/provisioning/dashboards/handrail.yml"
    ]


def test_the_scrape_jobs_are_those_of_the_whole_file_and_say_how_often() -> None:
    whole = read_yaml(files()["prometheus/prometheus.yml"])
    beside = read_yaml(files("prometheus")["prometheus/scrape_configs.yml"])
    every = whole["global"]["scrape_interval"]
    assert beside == {
        "scrape_configs": [{**job, "scrape_interval": every} for job in whole["scrape_configs"]]
    }


def test_a_company_s_prometheus_takes_rules_and_jobs_beside_its_own(tmp_path: Path) -> None:
    made = files("prometheus")
    (tmp_path / "prometheus.yml").write_text(COMPANY)
    (tmp_path / "handrail/rules").mkdir(parents=True)
    (tmp_path / "handrail/scrape_configs.yml").write_text(made["prometheus/scrape_configs.yml"])
    for name in ("shop", "kiosk"):
        (tmp_path / f"handrail/rules/{name}.yml").write_text(made[f"prometheus/rules/{name}.yml"])
    config = tmp_path / "prometheus.yml"
    with prometheus(tmp_path, config, binary=newer("prometheus")) as server:
        rules = asked(server, "rules")["groups"]
        until(lambda: scraped(server) == {"node", "shop", "sql", "handrail-receiver"}, "all is scraped")
    assert {Path(group["file"]).name for group in rules} == {"shop.yml", "kiosk.yml"}


def scraped(server: Server) -> set[str]:
    return {target["scrapePool"] for target in asked(server, "targets")["activeTargets"]}


def asked(server: Server, what: str) -> dict[str, Any]:
    answer = httpx.get(f"{server.url}/api/v1/{what}", verify=PLAIN, trust_env=False)
    data: dict[str, Any] = answer.raise_for_status().json()["data"]
    return data


def test_who_is_told_is_the_same_in_an_alertmanager_that_was_there() -> None:
    told = ("kiosk/critical", "shop/P1", "shop/P3", "shop/vp")
    # The words of a message stand in its fields instead of a template.
    assert [str(one) for one in differences(files(), files("alertmanager"))] == [
        f"{name}: how they are told changed" for name in told
    ]
    assert differences(files("alertmanager"), files("alertmanager")) == []


def test_nothing_that_guards_changes_with_what_is_there() -> None:
    said = {str(one) for one in differences(files(), files("prometheus", "grafana"))}
    assert said == {
        "Prometheus: alerts no longer go to 127.0.0.1:9093",
        *(f"scrape job {job}: how it is scraped changed" for job in ("shop", "sql", "handrail-receiver")),
        *(
            f"{name}: report {change}: link to the dashboard {name}, https://grafana.example.com/d/{uid}"
            for name in ("shop", "kiosk")
            for change, uid in (("removed", name), ("added", f"production-{name}"))
        ),
    }
