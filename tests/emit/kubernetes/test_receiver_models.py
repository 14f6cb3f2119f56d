"""The receiver's objects → the published models of Kubernetes and of the Prometheus operator: each field is one of theirs."""

from __future__ import annotations

from typing import Any

import pytest
from emit.guarded_shop import planned
from emit.kubernetes.test_receiver import ABORT, BACK, FAR, PINNED, made, with_steps
from handrail.contract import Step
from pydantic import BaseModel, ValidationError


def models() -> dict[str, type[BaseModel]]:
    """The published models by kind. Read here: they take two seconds, and every worker reads each file of tests."""
    from cloudcoil.models.kubernetes.apps import v1 as apps  # noqa: PLC0415
    from cloudcoil.models.kubernetes.core import v1 as core  # noqa: PLC0415
    from cloudcoil.models.kubernetes.networking import v1 as networking  # noqa: PLC0415
    from cloudcoil.models.kubernetes.rbac import v1 as rbac  # noqa: PLC0415
    from cloudcoil.models.prometheus_operator import v1 as operator  # noqa: PLC0415

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
        "ServiceMonitor": operator.ServiceMonitor,
    }


def objects(files: dict[str, Any]) -> list[dict[str, Any]]:
    """Every object of the base; the kustomization is none."""
    found = [thing for name, thing in files.items() if name != "kustomization.yaml"]
    return [one for thing in found for one in (thing["items"] if thing["kind"] == "List" else [thing])]


def read(thing: dict[str, Any]) -> Any:
    """What the published model understands of it: a field that it does not know is lost."""
    model = models()[thing["kind"]].model_validate(thing)
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True)


@pytest.mark.parametrize("steps", [(), (ABORT, BACK, PINNED, FAR)], ids=["base", "steps"])
def test_the_published_models_know_every_field_of_the_receiver_s_objects(steps: tuple[Step, ...]) -> None:
    for thing in objects(with_steps(*steps) if steps else made(planned())):
        assert read(thing) == thing


@pytest.mark.long
def test_a_misspelt_field_is_lost_and_a_wrong_type_is_refused() -> None:
    [monitor] = [one for one in objects(made(planned())) if one["kind"] == "ServiceMonitor"]
    misspelt = {**monitor, "spec": {**monitor["spec"], "endpoint": []}}
    assert read(misspelt) == monitor
    with pytest.raises(ValidationError, match="endpoints"):
        read({**monitor, "spec": {**monitor["spec"], "endpoints": "8080"}})
