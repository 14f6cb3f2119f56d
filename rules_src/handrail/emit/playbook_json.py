"""A rollout → playbook/<rollout>.json: what the receiver loads."""

from __future__ import annotations

from handrail.contract import names
from handrail.emit.document import json_document
from handrail.emit.groups import digest_and_names
from handrail.plan import Environment, Rollout


def emit(rollout: Rollout, _: Environment) -> dict[str, str]:
    """The playbook, with the digest of the rules that were made with it, and their groups."""
    digest, groups = digest_and_names(rollout)
    playbook = rollout.playbook.model_copy(update={"rules_digest": digest, "rule_groups": groups})
    return {names.playbook_file(rollout.name): json_document(playbook.model_dump(mode="json"))}
