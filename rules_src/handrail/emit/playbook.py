"""A rollout → playbook/<rollout>.json: what the receiver loads."""

from __future__ import annotations

from handrail.emit.document import json_document
from handrail.plan import Environment, Rollout


def emit(rollout: Rollout, _: Environment) -> dict[str, str]:
    """The playbook."""
    return {f"playbook/{rollout.name}.json": json_document(rollout.playbook.model_dump(mode="json"))}
