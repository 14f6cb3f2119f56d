"""`handrail schema` → a JSON Schema that knows every word of a declaration, and refuses what none knows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cli.places import Shell
from handrail import declare
from json_schemas import faults, no_schema

SHOP = {
    "name": "shop",
    "service": "shop",
    "guardrails": [
        {
            "name": "errors",
            "measure": {"of": "requests_total", "bad": 'requests_total{status=~"5.."}'},
            "tiers": [{"limit": {"at": "2%"}, "sustained": "5m", "action": "rollback"}],
        }
    ],
}


@pytest.fixture
def schema(shell: Shell) -> dict[str, Any]:
    code, said, wrong = shell.handrail("schema")
    assert (code, wrong) == (0, "")
    found: dict[str, Any] = json.loads(said)
    return found


def test_it_is_a_schema(schema: dict[str, Any]) -> None:
    assert no_schema(schema) == []


def test_it_takes_a_declaration_written_as_data(schema: dict[str, Any]) -> None:
    assert faults(schema, {"rollouts": [SHOP], "environments": [{"name": "production"}]}) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {**SHOP, "colour": "red"},
        {key: value for key, value in SHOP.items() if key != "guardrails"},
        {**SHOP, "name": "My Shop"},
        {**SHOP, "rollbacks_per_day": -1},
    ],
    ids=["unknown word", "missing word", "no name", "less than nothing"],
)
def test_it_refuses_what_the_compiler_would_refuse(schema: dict[str, Any], wrong: dict[str, Any]) -> None:
    assert faults(schema, {"rollouts": [wrong]}) != []


def test_every_word_is_in_it_with_its_meaning(schema: dict[str, Any]) -> None:
    plain = {"Environment", "Rollout"} | {name for name in declare.__all__ if name[0].isupper()}
    known = schema["$defs"]
    assert plain - set(known) == set()
    assert [name for name in plain if not known[name].get("description")] == []


def test_the_playbook_has_one_that_takes_what_is_generated_and_nothing_unknown(shell: Shell) -> None:
    code, said, wrong = shell.handrail("schema", "--playbook")
    assert (code, wrong) == (0, "")
    schema = json.loads(said)
    shell.handrail("generate")
    playbook = json.loads(shell.files()["playbook/shop.json"])
    assert faults(schema, playbook) == []
    assert faults(schema, {**playbook, "alarms": []}) == [
        "Additional properties are not allowed ('alarms' was unexpected)"
    ]
