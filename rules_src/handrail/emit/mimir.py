"""A rollout → mimir/<rollout>.yml: its rules in a namespace of their own, as mimirtool and cortextool load them."""

from __future__ import annotations

from handrail.contract import names
from handrail.emit.document import yaml_document
from handrail.emit.groups import rules
from handrail.plan import Environment, Rollout


def emit(rollout: Rollout, environment: Environment) -> dict[str, str]:
    """The file, if the environment has a tenant.

    A namespace belongs to one file: what loads one replaces all of it. The environment is in its name, because two may
    have the same tenant.
    """
    if environment.mimir_tenant is None:
        return {}
    data = {"namespace": f"handrail-{environment.name}-{rollout.name}", **rules(rollout)}
    return {names.mimir_file(rollout.name): yaml_document(data, rollout.source)}
