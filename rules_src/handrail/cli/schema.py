"""The words of a declaration → their JSON Schema (draft 2020-12)."""

from __future__ import annotations

import json

from pydantic import TypeAdapter

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
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
