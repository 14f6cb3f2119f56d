"""A rollout → prometheus/rules/<rollout>.yml."""

from __future__ import annotations

from handrail.contract import names
from handrail.emit.document import yaml_document
from handrail.emit.groups import rules
from handrail.plan import Environment, Rollout


def emit(rollout: Rollout, _: Environment) -> dict[str, str]:
    """The rules file."""
    return {names.rules_file(rollout.name): yaml_document(rules(rollout), rollout.source)}
