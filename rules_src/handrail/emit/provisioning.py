"""What rollouts have in common → grafana/provisioning/: where Grafana finds the dashboards, and Prometheus."""

from __future__ import annotations

from handrail.contract import names
from handrail.emit.document import yaml_document
from handrail.plan import Common

FOLDER = "/etc/grafana/dashboards"
"""Where the dashboards lie for Grafana; whoever starts it puts generated/grafana/dashboards there."""


def emit(common: Common) -> dict[str, str]:
    """The provider of dashboards and the data source: never the default one, of which Grafana takes only one."""
    files = {
        "grafana/provisioning/dashboards/handrail.yml": yaml_document(_dashboards(common), common.source)
    }
    if common.environment.datasource_file:
        files["grafana/provisioning/datasources/handrail.yml"] = yaml_document(_source(common), common.source)
    return files


def _dashboards(common: Common) -> dict[str, object]:
    """The provider of dashboards; in a Grafana that others use, each environment has its own names and folder."""
    here = common.environment
    shared = here.name if "grafana" in here.existing else ""
    provider = {
        "name": f"handrail-{shared}" if shared else "handrail",
        "folder": f"Handrail {shared}" if shared else "Handrail",
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "options": {"path": f"{FOLDER}/{shared}" if shared else FOLDER},
    }
    return {"apiVersion": 1, "providers": [provider]}


def _source(common: Common) -> dict[str, object]:
    name = common.environment.datasource or names.DATASOURCE
    asks = {"httpMethod": "POST", "timeInterval": f"{common.scrape.total_seconds():g}s"}
    source: dict[str, object] = {
        "name": name,
        "uid": names.datasource_uid(name),
        "type": "prometheus",
        "access": "proxy",
        "url": common.environment.prometheus,
        "isDefault": False,
        "editable": False,
        "jsonData": asks,
    }
    tenant = common.environment.mimir_tenant
    if tenant is not None:
        source["jsonData"] = {**asks, "httpHeaderName1": "X-Scope-OrgID"}
        source["secureJsonData"] = {"httpHeaderValue1": tenant}
    return {"apiVersion": 1, "datasources": [source]}
