"""Plan → prometheus/rules/<rollout>.yml."""

from __future__ import annotations

from handrail import names
from handrail.emit.document import yaml_document
from handrail.emit.groups import rules
from handrail.plan import Plan


def emit(plan: Plan) -> dict[str, str]:
    """One rules file per rollout."""
    return {
        names.rules_file(rollout.name): yaml_document(rules(rollout), rollout.source)
        for rollout in plan.rollouts
    }
