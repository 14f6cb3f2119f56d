"""A rollout's rules → the spec of a PrometheusRule: the same rules, each alert with the namespace of its objects.

The operator lets an AlertmanagerConfig see only alerts that carry its namespace, unless it is told otherwise. Series have
a label of that name as well, and it may be all that tells two of them apart: an alert has it as `series_namespace`.
"""

from __future__ import annotations

from handrail.contract import names
from handrail.emit.document import Data
from handrail.emit.groups import rules
from handrail.plan import Cluster, Guardrail, Rollout


def prometheus_rule(rollout: Rollout, cluster: Cluster) -> Data:
    """Every group of the rollout as Kubernetes gets it."""
    spec = rules(rollout)
    carrying = {
        alert.name
        for guardrail in rollout.guardrails
        if _by_namespace(guardrail)
        for alert in guardrail.alerts
    }
    for rule in (rule for group in spec["groups"] for rule in group["rules"] if "alert" in rule):
        rule["labels"][names.NAMESPACE] = cluster.namespace
        if rule["alert"] in carrying:
            rule["expr"] = _kept(rule["expr"])
    return spec


def _by_namespace(guardrail: Guardrail) -> bool:
    labels = guardrail.alert_labels
    return labels is None or names.NAMESPACE in labels


def _kept(expr: str) -> str:
    copied = f'"{names.SERIES_NAMESPACE}", "$1", "{names.NAMESPACE}", "(.+)"'
    return f"label_replace(\n{expr},\n{copied})"
