"""A rollout and its dashboards → kubernetes/<rollout>.yaml: one List with a PrometheusRule, an AlertmanagerConfig and a ConfigMap.

A List, because a file holds one document and the three belong together: `kubectl apply` takes it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from handrail.emit.document import Data, yaml_document
from handrail.emit.kubernetes.alertmanager_config import alertmanager_config
from handrail.emit.kubernetes.prometheus_rule import prometheus_rule
from handrail.plan import Cluster, Environment, Rollout

DASHBOARDS = "grafana/dashboards"


def emit(rollout: Rollout, environment: Environment, files: Mapping[str, str]) -> dict[str, str]:
    """The file; `files` has the rollout's dashboards as Grafana reads them."""
    dashboards = {
        PurePosixPath(path).name: text
        for path, text in sorted(files.items())
        if path.startswith(f"{DASHBOARDS}/")
    }
    objects = _objects(rollout, environment, dashboards)
    return {f"kubernetes/{rollout.name}.yaml": yaml_document(objects, rollout.source)}


def _objects(rollout: Rollout, environment: Environment, dashboards: Data) -> Data:
    cluster = environment.cluster
    items = [
        _object("monitoring.coreos.com/v1", "PrometheusRule", rollout, cluster)
        | {"spec": prometheus_rule(rollout, cluster)},
        _object("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig", rollout, cluster)
        | {"spec": alertmanager_config(rollout, environment)},
    ]
    if dashboards:
        shown = _object("v1", "ConfigMap", rollout, cluster)
        shown["metadata"]["labels"]["grafana_dashboard"] = "1"
        items.append(shown | {"data": dashboards})
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _object(version: str, kind: str, rollout: Rollout, cluster: Cluster) -> Data:
    labels = {
        "app.kubernetes.io/name": "handrail",
        "app.kubernetes.io/instance": rollout.name,
        **dict(cluster.labels),
    }
    name = f"handrail-{rollout.name}"
    metadata: Data = {"name": name, "namespace": cluster.namespace, "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}
