"""Plan → playbook/<rollout>.json: what the receiver loads."""

from __future__ import annotations

from handrail.emit.document import json_document
from handrail.plan import Plan


def emit(plan: Plan) -> dict[str, str]:
    """One playbook per rollout."""
    return {
        f"playbook/{rollout.name}.json": json_document(rollout.playbook.model_dump(mode="json"))
        for rollout in plan.rollouts
    }
