"""The plan → kubernetes/receiver/: a base for kustomize that starts the receiver, and lets it do what its steps need."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from emit.guarded_shop import ENVIRONMENT, kiosk, planned, shop
from handrail.contract import Playbook, Step
from handrail.declare import (
    ArgoVersion,
    Arms,
    Cluster,
    DeploymentImage,
    DeploymentVersion,
    Environment,
    RolloutAbort,
    Secret,
)
from handrail.emit import emit, emit_common
from handrail.lower import lower
from handrail.output.diff import differences
from handrail.output.read_yaml import read_yaml
from handrail.plan import Plan
from handrail_receiver.settings import Settings

ROOT = Path(__file__).parents[3]
HERE, ELSEWHERE = "https://kubernetes.default.svc", "https://k8s.example.com:6443"
TOKEN = Secret("cluster_token")
ABORT = RolloutAbort(api=HERE, namespace="shop", rollout="web", token=TOKEN)
BACK = DeploymentImage(api=HERE, namespace="shop", deployment="web", container="app", token=TOKEN)
PINNED = DeploymentImage(
    api=f"{HERE}.cluster.local",
    namespace="till",
    deployment="till",
    container="app",
    token=TOKEN,
    image="t@sha256:1",
)
FAR = DeploymentImage(
    api=ELSEWHERE, namespace="far", deployment="web", container="a", token=Secret("far_token")
)
META = {"app.kubernetes.io/name": "handrail", "app.kubernetes.io/component": "receiver"}


def texts(plan: Plan) -> dict[str, str]:
    """All that is made of a plan."""
    files = dict(emit_common(plan.common))
    for rollout in plan.rollouts:
        files |= emit(rollout, plan.environment)
    return files


def made(plan: Plan) -> dict[str, Any]:
    """Name of the file → what it says."""
    files = texts(plan)
    folder = "kubernetes/receiver/"
    return {
        path.removeprefix(folder): read_yaml(text) for path, text in files.items() if path.startswith(folder)
    }


def with_steps(*steps: Step, environment: Environment = ENVIRONMENT) -> dict[str, Any]:
    return made(lower([replace(shop, rollback=list(steps))], environment))


def pod(files: dict[str, Any]) -> Any:
    return files["deployment.yaml"]["spec"]["template"]["spec"]


def test_the_kustomization_names_every_file_and_each_is_one_object_or_a_list() -> None:
    files = made(planned())
    kustomization = files.pop("kustomization.yaml")
    assert kustomization["resources"] == sorted(files)
    assert {name: one["kind"] for name, one in files.items()} == {
        "deployment.yaml": "Deployment",
        "networkpolicy.yaml": "NetworkPolicy",
        "persistentvolumeclaim.yaml": "PersistentVolumeClaim",
        "playbook-kiosk.yaml": "ConfigMap",
        "playbook-shop.yaml": "ConfigMap",
        "rbac.yaml": "List",
        "service.yaml": "Service",
        "servicemonitor.yaml": "ServiceMonitor",
    }


def test_every_setting_is_one_of_the_receiver_s_and_no_service_adds_others() -> None:
    settings = {one["name"]: one["value"] for one in pod(made(planned()))["containers"][0]["env"]}
    assert settings == {
        "HANDRAIL_ADDRESS": "0.0.0.0:8080",
        "HANDRAIL_PLAYBOOKS": "/etc/handrail/playbook",
        "HANDRAIL_STORE": "sqlite:/var/lib/handrail/handrail.db",
        "HANDRAIL_TOKENS_FILE": "/etc/handrail/secrets/tokens",
        "HANDRAIL_SECRETS_DIR": "/etc/handrail/secrets",
        "HANDRAIL_PROMETHEUS": "http://127.0.0.1:9090",
        "HANDRAIL_ALERTMANAGERS": "http://127.0.0.1:9093",
    }
    fields = {f"HANDRAIL_{name.upper()}" for name in Settings.model_fields}
    assert settings.keys() - fields == set()
    # The Service `handrail` would set HANDRAIL_PORT, and the receiver refuses what is no setting.
    assert pod(made(planned()))["enableServiceLinks"] is False


def test_the_playbooks_are_those_of_the_receiver_and_all_of_them_are_mounted() -> None:
    plan = planned()
    files = made(plan)
    for rollout in plan.rollouts:
        data = files[f"playbook-{rollout.name}.yaml"]["data"]
        own = emit(rollout, plan.environment)[f"playbook/{rollout.name}.json"]
        assert data == {f"{rollout.name}.json": own}
        assert Playbook.model_validate_json(own).rollout == rollout.name
    [volume] = [one for one in pod(files)["volumes"] if one["name"] == "playbook"]
    assert volume["projected"]["sources"] == [
        {"configMap": {"name": "handrail-playbook-kiosk"}},
        {"configMap": {"name": "handrail-playbook-shop"}},
    ]


def test_it_may_do_what_its_steps_need_where_they_need_it_and_no_more() -> None:
    account, *others = with_steps(ABORT, BACK, PINNED, FAR)["rbac.yaml"]["items"]
    assert (account["kind"], account["automountServiceAccountToken"]) == ("ServiceAccount", False)
    rules = {one["metadata"]["namespace"]: one["rules"] for one in others if one["kind"] == "Role"}
    named = {"resourceNames": ["web"]}
    assert rules == {
        "shop": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
            {"apiGroups": ["apps"], "resources": ["deployments"], **named, "verbs": ["get", "patch"]},
            {"apiGroups": ["argoproj.io"], "resources": ["rollouts"], **named, "verbs": ["get"]},
            {"apiGroups": ["argoproj.io"], "resources": ["rollouts/status"], **named, "verbs": ["patch"]},
        ],
        "till": [
            {
                "apiGroups": ["apps"],
                "resources": ["deployments"],
                "resourceNames": ["till"],
                "verbs": ["get", "patch"],
            }
        ],
    }
    bindings = [one for one in others if one["kind"] == "RoleBinding"]
    assert [(one["metadata"]["namespace"], one["roleRef"]["name"]) for one in bindings] == [
        ("shop", "handrail-production"),
        ("till", "handrail-production"),
    ]
    assert {one["metadata"]["name"] for one in others} == {"handrail-production"}
    assert all(
        one["subjects"] == [{"kind": "ServiceAccount", "name": "handrail", "namespace": "guard"}]
        for one in bindings
    )


@pytest.mark.parametrize(("step", "page"), [(ABORT, "argo-rollouts"), (BACK, "deployment")])
def test_the_rights_of_a_step_are_those_that_its_page_names(step: Step, page: str) -> None:
    _, role, _ = with_steps(step)["rbac.yaml"]["items"]
    said = re.search(
        r"```yaml\n(rules:.*?)```", (ROOT / f"docs/reference/targets/{page}.md").read_text(), re.DOTALL
    )
    assert said
    rules = [{key: rule[key] for key in rule if key != "resourceNames"} for rule in role["rules"]]
    assert sorted(rules, key=str) == sorted(read_yaml(said[1])["rules"], key=str)


def test_where_a_start_reads_versions_in_the_cluster_it_may_read_them_and_no_more() -> None:
    arms = Arms(
        "version",
        canary=ArgoVersion(HERE, "shop", "web", TOKEN),
        stable=DeploymentVersion(HERE, "shop", "old", TOKEN, container="app"),
    )
    files = made(lower([replace(shop, arms=arms, rollback=[BACK])], ENVIRONMENT))
    _, role, _ = files["rbac.yaml"]["items"]
    apps = {"apiGroups": ["apps"], "resources": ["deployments"]}
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        {**apps, "resourceNames": ["old"], "verbs": ["get"]},
        {**apps, "resourceNames": ["web"], "verbs": ["get", "patch"]},
        {
            "apiGroups": ["argoproj.io"],
            "resources": ["rollouts"],
            "resourceNames": ["web"],
            "verbs": ["get"],
        },
    ]


def test_a_step_in_its_own_cluster_has_the_account_s_token_as_its_secret_and_no_other_has() -> None:
    sources = {
        name: next(one for one in pod(files)["volumes"] if one["name"] == "secrets")["projected"]["sources"]
        for name, files in {"here": with_steps(ABORT, BACK), "far": with_steps(FAR)}.items()
    }
    stored = {"secret": {"name": "handrail"}}
    token = {"serviceAccountToken": {"path": "cluster_token", "expirationSeconds": 3600}}
    assert sources == {"here": [stored, token], "far": [stored]}
    container = pod(with_steps(ABORT))["containers"][0]
    assert {"name": "HANDRAIL_TLS_AUTHORITIES", "value": "/etc/handrail/cluster/ca.crt"} in container["env"]
    assert {"name": "cluster", "mountPath": "/etc/handrail/cluster", "readOnly": True} in container[
        "volumeMounts"
    ]
    assert "cluster" not in {one["name"] for one in pod(with_steps(FAR))["volumes"]}


def test_its_walls_and_its_memory_are_those_of_the_service_that_was_measured() -> None:
    [container] = pod(made(planned()))["containers"]
    unit = (ROOT / "docs/deploy/handrail.service").read_text()
    assert "MemoryMax=512M\n" in unit
    assert "TimeoutStopSec=15\n" in unit
    assert container["resources"] == {
        "requests": {"cpu": "100m", "memory": "128Mi"},
        "limits": {"memory": "512Mi"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    spec = pod(made(planned()))
    assert (spec["terminationGracePeriodSeconds"], spec["securityContext"]["runAsUser"]) == (15, 10001)
    assert "useradd --system --uid 10001" in (ROOT / "docs/deploy/Containerfile").read_text()
    assert {one["mountPath"] for one in container["volumeMounts"] if not one.get("readOnly")} == {
        "/var/lib/handrail",
        "/tmp",
    }


@pytest.mark.parametrize(
    ("receiver", "name", "port"),
    [
        ("http://guardian.guard.svc:8080", "guardian", 8080),
        ("http://guardian.guard.svc.cluster.local", "guardian", 80),
        ("https://handrail.example.com", "handrail", 443),
        ("http://guardian.other.svc:8080", "handrail", 8080),
    ],
)
def test_the_service_answers_at_the_environment_s_address(receiver: str, name: str, port: int) -> None:
    place = Environment("production", receiver=receiver, cluster=Cluster("guard"))
    service = made(planned(place))["service.yaml"]
    assert service["metadata"] == {"name": name, "namespace": "guard", "labels": META}
    assert service["spec"] == {
        "selector": META,
        "publishNotReadyAddresses": True,
        "ports": [{"name": "http", "port": port, "targetPort": "http"}],
    }


def test_prometheus_scrapes_it_with_the_viewer_s_token_and_only_its_namespace_may_call() -> None:
    files = made(planned())
    assert files["servicemonitor.yaml"]["spec"] == {
        "selector": {"matchLabels": META},
        "endpoints": [
            {
                "port": "http",
                "path": "/metrics",
                "interval": "15s",
                "authorization": {
                    "type": "Bearer",
                    "credentials": {"name": "handrail", "key": "viewer-handrail-token"},
                },
            }
        ],
    }
    other = replace(ENVIRONMENT, viewer_token_file="/etc/prometheus/viewer")
    [endpoint] = made(planned(other))["servicemonitor.yaml"]["spec"]["endpoints"]
    assert endpoint["authorization"]["credentials"]["key"] == "viewer"
    assert files["servicemonitor.yaml"]["metadata"]["labels"] == {**META, "release": "kps"}
    assert files["networkpolicy.yaml"]["spec"] == {
        "podSelector": {"matchLabels": META},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "guard"}}}],
                "ports": [{"port": "http", "protocol": "TCP"}],
            }
        ],
    }


def test_kiosk_and_shop_have_nothing_to_do_in_the_cluster() -> None:
    assert [one["kind"] for one in made(lower([shop, kiosk], ENVIRONMENT))["rbac.yaml"]["items"]] == [
        "ServiceAccount"
    ]


def test_a_review_is_told_when_it_may_do_something_else() -> None:
    before, after = (
        texts(lower([replace(shop, rollback=steps)], ENVIRONMENT)) for steps in ([FAR], [FAR, PINNED])
    )
    [said] = [str(one) for one in differences(before, after) if "in the cluster" in one.what]
    rules = '[{"apiGroups": ["apps"], "resourceNames": ["till"], "resources": ["deployments"], "verbs": ["get", "patch"]}]'
    assert said == f'receiver: it may do something else in the cluster: [] → [["till", {rules}]]'
