"""A JSON Schema and a document → what is wrong with it. The validator, which takes a second to import, is imported on use."""

from __future__ import annotations

from typing import Any


def faults(schema: Any, document: object) -> list[str]:
    """Everything that the schema refuses. The schema itself is not looked at: one has 750 KB."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    return [error.message for error in Draft202012Validator(schema).iter_errors(document)]


def no_schema(schema: Any) -> list[str]:
    """What is wrong with the schema itself."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    return faults(Draft202012Validator.META_SCHEMA, schema)
