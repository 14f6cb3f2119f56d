"""The words of a declaration, and the playbook → their JSON Schemas (draft 2020-12)."""

from __future__ import annotations

import json

from pydantic import TypeAdapter

from handrail.contract import Playbook
from handrail.declare import Environment, Rollout

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of_declarations() -> str:
    """One document: `rollouts` and `environments` as lists, each word with its meaning under `$defs`."""
    words: dict[str, TypeAdapter[object]] = {
        "rollouts": TypeAdapter(list[Rollout]),
        "environments": TypeAdapter(list[Environment]),
    }
    schemas, shared = TypeAdapter.json_schemas(
        [(name, "validation", adapter) for name, adapter in words.items()],
        title="Handrail declarations",
    )
    document = {
        "$schema": DIALECT,
        **shared,
        "type": "object",
        "properties": {name: schemas[name, "validation"] for name in words},
        "required": ["rollouts"],
        "additionalProperties": False,
    }
    return _text(document)


def schema_of_playbooks() -> str:
    """What the receiver reads: `generated/playbook/<rollout>.json`."""
    return _text({"$schema": DIALECT, **Playbook.model_json_schema()})


def _text(document: dict[str, object]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
