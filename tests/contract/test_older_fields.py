"""An older playbook → each of its fields is read, and no other is required."""

from __future__ import annotations

import json
from pathlib import Path

from handrail import contract
from pydantic import BaseModel
from pydantic.fields import FieldInfo

BEFORE = Path(__file__).parents[1] / "golden/before"


def accepted(field: str, info: FieldInfo) -> set[str]:
    """The names by which a field is read."""
    alias = info.validation_alias
    return {str(one) for one in getattr(alias, "choices", [alias or field])}


def models() -> dict[str, dict[str, FieldInfo]]:
    """Every part of a playbook by its name → its fields."""
    kinds = [getattr(contract, name) for name in contract.__all__]
    return {
        kind.__name__: kind.model_fields if issubclass(kind, BaseModel) else kind.__pydantic_fields__
        for kind in kinds
        if isinstance(kind, type) and (issubclass(kind, BaseModel) or hasattr(kind, "__pydantic_fields__"))
    }


def test_every_field_of_an_older_playbook_is_read_and_no_other_is_asked_for() -> None:
    """`playbook-fields.json` says of each field of the version before whether it had to be there."""
    before: dict[str, dict[str, bool]] = json.loads((BEFORE / "playbook-fields.json").read_text())
    refused, asked = set(), set()
    for name, fields in before.items():
        names = {field: accepted(field, info) for field, info in models()[name].items()}
        refused |= {f"{name}.{field}" for field in set(fields) - set().union(*names.values())}
        given = {field for field, required in fields.items() if required}
        asked |= {
            f"{name}.{field}"
            for field, info in models()[name].items()
            if info.is_required() and not names[field] & given
        }
    assert (refused, asked) == (set(), set())
