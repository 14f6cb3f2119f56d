"""The plan → one List per rollout that Kubernetes, its operator and Prometheus accept."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from emit.each import of_each
from emit.guarded_shop import ENVIRONMENT, kiosk, planned, shop
from emit.kubernetes.crds import refused, schema
from handrail.declare import Environment
from handrail.emit import alertmanager as alertmanager_yml
from handrail.emit import emit, kubernetes
from handrail.lower import lower
from handrail.output.read_yaml import read_yaml
from handrail.plan import Plan
from json_schemas import faults
from own_rollouts import own_plan

ROOT = Path(__file__).parents[3]
BOARDS = {
    "grafana/dashboards/shop.json": '{"title": "Shop"}\n',
    "grafana/dashboards/shop-arms.json": '{"title": "Arms"}\n',
}


def objects(plan: Plan, rollout: str = "shop") -> dict[str, dict[str, Any]]:
    """Kind → object, of one rollout."""
    [one] = [one for one in plan.rollouts if one.name == rollout]
    files = {**BOARDS, f"playbook/{rollout}.json": "{}\n"}
    made = read_yaml(kubernetes.emit(one, plan.environment, files)[f"kubernetes/{rollout}.yaml"])
    return {one["kind"]: one for one in made["items"]}


def test_a_file_is_one_document_a_list_of_the_three() -> None:
    made = emit(planned().rollouts[1], planned().environment)["kubernetes/shop.yaml"]
    [document] = yaml.safe_load_all(made)
    assert (document["apiVersion"], document["kind"]) == ("v1", "List")
    assert [(one["apiVersion"], one["kind"]) for one in document["items"]] == [
        ("monitoring.coreos.com/v1", "PrometheusRule"),
        ("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig"),
        ("v1", "ConfigMap"),
    ]


def test_every_object_has_the_name_the_place_and_the_labels_that_selectors_ask_for() -> None:
    common = {"app.kubernetes.io/name": "handrail", "app.kubernetes.io/instance": "shop", "release": "kps"}
    assert {kind: one["metadata"] for kind, one in objects(planned()).items()} == {
        "PrometheusRule": {"name": "handrail-shop", "namespace": "guard", "labels": common},
        "AlertmanagerConfig": {"name": "handrail-shop", "namespace": "guard", "labels": common},
        "ConfigMap": {
            "name": "handrail-shop",
            "namespace": "guard",
            "labels": {**common, "grafana_dashboard": "1"},
        },
    }


def test_the_dashboards_of_the_rollout_are_carried_as_they_are_and_no_other() -> None:
    assert objects(planned())["ConfigMap"]["data"] == {
        "shop.json": '{"title": "Shop"}\n',
        "shop-arms.json": '{"title": "Arms"}\n',
    }


@pytest.mark.parametrize("alertmanager", [(0, 25), (0, 33)], ids=str)
@pytest.mark.parametrize("kind", ["PrometheusRule", "AlertmanagerConfig"])
def test_the_published_schema_accepts_it(kind: str, alertmanager: tuple[int, int]) -> None:
    for plan in (planned(alertmanager=alertmanager), own_plan()):
        for rollout in plan.rollouts:
            assert refused(kind, objects(plan, rollout.name)[kind]) == []


def test_the_schema_accepts_the_routes_below_the_first_as_well() -> None:
    route = schema("AlertmanagerConfig")["properties"]["spec"]["properties"]["route"]
    for below in objects(planned())["AlertmanagerConfig"]["spec"]["route"]["routes"]:
        assert faults(route, below) == []


def test_the_strict_schema_refuses_a_field_that_kubernetes_would_drop() -> None:
    config = objects(planned())["AlertmanagerConfig"]
    config["spec"]["receivers"][0]["webhookConfigs"][0]["follow_redirects"] = False
    assert "follow_redirects" in str(refused("AlertmanagerConfig", config))


def test_promtool_accepts_the_rules_of_the_object(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(yaml.safe_dump(objects(planned())["PrometheusRule"]["spec"]))
    argv = ["promtool", "check", "rules", "--lint=all", "--lint-fatal", str(rules)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_those_of_prometheus_and_every_alert_names_its_namespace() -> None:
    plain = read_yaml(of_each(emit, planned())["prometheus/rules/shop.yml"])
    carried = objects(planned())["PrometheusRule"]["spec"]
    rules = [rule for group in carried["groups"] for rule in group["rules"]]
    spaces = {rule["labels"].pop("namespace") for rule in rules if "alert" in rule}
    assert (carried, spaces) == (plain, {"guard"})


def test_the_routes_are_those_of_alertmanager_yml() -> None:
    config = read_yaml(
        alertmanager_yml.emit(lower([shop], ENVIRONMENT).common)["alertmanager/alertmanager.yml"]
    )
    spec = objects(planned())["AlertmanagerConfig"]["spec"]

    def short(matchers: list[dict[str, str]]) -> list[str]:
        return [f"{m['name']}{m['matchType']}{json.dumps(m['value'])}" for m in matchers]

    assert [(r["receiver"], short(r["matchers"]), r.get("continue")) for r in spec["route"]["routes"]] == [
        (r["receiver"], r["matchers"], r.get("continue")) for r in config["route"]["routes"]
    ]
    assert [(short(r["sourceMatch"]), short(r["targetMatch"]), r["equal"]) for r in spec["inhibitRules"]] == [
        (r["source_matchers"], r["target_matchers"], r["equal"]) for r in config["inhibit_rules"]
    ]
    assert [receiver["name"] for receiver in spec["receivers"]] == [r["name"] for r in config["receivers"]]


def test_an_alertmanager_config_sees_its_own_rollout_only() -> None:
    route = objects(planned(), "kiosk")["AlertmanagerConfig"]["spec"]["route"]
    assert route["matchers"] == [{"name": "rollout", "matchType": "=", "value": "kiosk"}]


def test_tokens_and_addresses_come_from_the_cluster_s_secret_by_the_last_part_of_their_path() -> None:
    receivers = {one["name"]: one for one in objects(planned())["AlertmanagerConfig"]["spec"]["receivers"]}
    [hook] = receivers["handrail"]["webhookConfigs"]
    assert hook["httpConfig"] == {
        "followRedirects": False,
        "authorization": {"type": "Bearer", "credentials": {"name": "handrail", "key": "handrail-token"}},
    }
    assert receivers["shop/P1"]["slackConfigs"][0]["apiURL"] == {"name": "handrail", "key": "slack-shop"}
    assert receivers["shop/P1"]["pagerdutyConfigs"][0]["routingKey"] == {
        "name": "handrail",
        "key": "pagerduty-shop",
    }
    assert receivers["shop/vp"]["emailConfigs"][0]["authPassword"] == {
        "name": "handrail",
        "key": "mail-password",
    }


def test_a_rollout_whose_name_begins_like_another_keeps_its_dashboards() -> None:
    longer = kiosk.__class__(
        "shop-eu", "shop", guardrails=shop.guardrails, rollback=shop.rollback, stages=shop.stages
    )
    made = of_each(emit, lower([shop, longer], Environment("here")))
    paths = [path for path in made if path.startswith("kubernetes/shop")]
    objects = {path: read_yaml(made[path]) for path in paths}
    assert {path: list(found["items"][2]["data"]) for path, found in objects.items()} == {
        "kubernetes/shop-eu.yaml": ["shop-eu.json"],
        "kubernetes/shop.yaml": ["shop.json"],
    }
