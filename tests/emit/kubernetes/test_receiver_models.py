"""The receiver's objects → the published models of Kubernetes and of the Prometheus operator: each field is one of theirs."""

from __future__ import annotations

from typing import Any

import pytest
from emit.guarded_shop import planned
from emit.kubernetes.test_receiver import ABORT, BACK, FAR, PINNED, made, with_steps
from pydantic import BaseModel, ValidationError


def models() -> dict[str, type[BaseModel]]:
    """Kubernetes' own by kind. Read here: they take two seconds, and every worker reads each file of tests."""
    from cloudcoil.models.kubernetes.apps import v1 as apps  # noqa: PLC0415
    from cloudcoil.models.kubernetes.core import v1 as core  # noqa: PLC0415
    from cloudcoil.models.kubernetes.networking import v1 as networking  # noqa: PLC0415
    from cloudcoil.models.kubernetes.rbac import v1 as rbac  # noqa: PLC0415

    return {
        "ClusterRole": rbac.ClusterRole,
        "ClusterRoleBinding": rbac.ClusterRoleBinding,
        "ConfigMap": core.ConfigMap,
        "Deployment": apps.Deployment,
        "NetworkPolicy": networking.NetworkPolicy,
        "PersistentVolumeClaim": core.PersistentVolumeClaim,
        "Role": rbac.Role,
        "RoleBinding": rbac.RoleBinding,
        "Service": core.Service,
        "ServiceAccount": core.ServiceAccount,
    }


def service_monitor() -> type[BaseModel]:
    """The operator's: it takes twice as long as all of Kubernetes' own."""
    from cloudcoil.models.prometheus_operator import v1 as operator  # noqa: PLC0415

    model: type[BaseModel] = operator.ServiceMonitor
    return model


def objects(files: dict[str, Any]) -> list[dict[str, Any]]:
    """Every object of the base; the kustomization is none."""
    found = [thing for name, thing in files.items() if name != "kustomization.yaml"]
    return [one for thing in found for one in (thing["items"] if thing["kind"] == "List" else [thing])]


def read(thing: dict[str, Any], model: type[BaseModel]) -> Any:
    """What the published model understands of it: a field that it does not know is lost."""
    return model.model_validate(thing).model_dump(mode="json", by_alias=True, exclude_unset=True)


MONITOR = "ServiceMonitor"


def test_the_published_models_know_every_field_of_the_receiver_s_objects() -> None:
    """Of the plain ones, and of those that let it do every step in its own cluster."""
    known = models()
    for thing in (*objects(made(planned())), *objects(with_steps(ABORT, BACK, PINNED, FAR))):
        if thing["kind"] != MONITOR:
            assert read(thing, known[thing["kind"]]) == thing


@pytest.mark.long
def test_the_operator_knows_every_field_a_misspelt_one_is_lost_and_a_wrong_type_is_refused() -> None:
    [monitor] = [one for one in objects(made(planned())) if one["kind"] == MONITOR]
    model = service_monitor()
    assert read(monitor, model) == monitor
    misspelt = {**monitor, "spec": {**monitor["spec"], "endpoint": []}}
    assert read(misspelt, model) == monitor
    with pytest.raises(ValidationError, match="endpoints"):
        read({**monitor, "spec": {**monitor["spec"], "endpoints": "8080"}}, model)


def test_the_service_monitor_is_the_one_that_the_operator_s_models_were_asked_about() -> None:
    [monitor] = [one for one in objects(made(planned())) if one["kind"] == MONITOR]
    token = {"name": "handrail", "key": "viewer-handrail-token"}
    scraped = {
        "authorization": {"type": "Bearer", "credentials": token},
        "interval": "15s",
        "path": "/metrics",
        "port": "http",
    }
    labels = {"app.kubernetes.io/component": "receiver", "app.kubernetes.io/name": "handrail"}
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["spec"] == {"endpoints": [scraped], "selector": {"matchLabels": labels}}
