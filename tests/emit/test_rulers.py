"""Rules for rulers that are not Prometheus': Mimir's and Cortex' in a namespace, Thanos' and vmalert's as they are."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

from emit.each import of_each
from emit.guarded_shop import ENVIRONMENT, planned
from handrail.emit import emit, emit_common, mimir, rules
from handrail.output.read_yaml import read_yaml
from servers.newer import newer

THERE = planned(replace(ENVIRONMENT, mimir_tenant="shop-team"))


def test_a_tenant_gets_the_same_rules_each_rollout_s_in_a_namespace_of_its_own() -> None:
    plain = {path: read_yaml(text) for path, text in of_each(rules.emit, THERE).items()}
    made = {path: read_yaml(text) for path, text in of_each(mimir.emit, THERE).items()}
    assert made == {
        f"mimir/{name}.yml": {
            "namespace": f"handrail-production-{name}",
            **plain[f"prometheus/rules/{name}.yml"],
        }
        for name in ("kiosk", "shop")
    }


def test_without_a_tenant_there_is_no_such_file() -> None:
    assert [path for path in of_each(emit, planned()) if path.startswith("mimir/")] == []


def test_grafana_asks_as_the_tenant() -> None:
    path = "grafana/provisioning/datasources/handrail.yml"
    [with_tenant], [without] = (
        read_yaml(emit_common(plan.common)[path])["datasources"] for plan in (THERE, planned())
    )
    assert with_tenant == {
        **without,
        "jsonData": {**without["jsonData"], "httpHeaderName1": "X-Scope-OrgID"},
        "secureJsonData": {"httpHeaderValue1": "shop-team"},
    }


def test_vmalert_reads_the_rules_as_they_are(tmp_path: Path) -> None:
    for path, text in of_each(rules.emit, planned()).items():
        (tmp_path / Path(path).name).write_text(text)
    argv = [str(newer("vmalert")), "-dryRun", f"-rule={tmp_path}/*.yml", "-datasource.url=http://127.0.0.1:1"]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert (done.returncode, "found 2 files" in done.stderr) == (0, True), done.stderr


def test_vmalert_refuses_what_is_no_rule(tmp_path: Path) -> None:
    (tmp_path / "shop.yml").write_text("groups: [{name: a, rules: [{alert: A, expr: 'sum('}]}]\n")
    argv = [str(newer("vmalert")), "-dryRun", f"-rule={tmp_path}/*.yml", "-datasource.url=http://127.0.0.1:1"]
    assert subprocess.run(argv, check=False, capture_output=True).returncode != 0
