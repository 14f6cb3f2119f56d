"""The published schema of a custom resource → a JSON Schema that also refuses what Kubernetes would drop without a word."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from handrail.output.read_yaml import LOADER
from json_schemas import faults

FOLDER = Path(__file__).parents[4] / "shared/schemas"
"""Beside the repository: the schemas belong to prometheus-operator."""
NAMES = {
    "PrometheusRule": "0prometheusruleCustomResourceDefinition.yaml",
    "AlertmanagerConfig": "0alertmanagerConfigCustomResourceDefinition.yaml",
}


class _Loader(LOADER):  # type: ignore[misc]
    """YAML 1.1 gives a bare `=` a meaning of its own; in an enum it is just a text."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)


@cache
def schema(kind: str) -> dict[str, Any]:
    """The strict schema of the newest version of `kind`; skips, and says so, where nobody put the schemas."""
    file = FOLDER / NAMES[kind]
    if not file.is_file():
        pytest.skip(f"{NAMES[kind]} of prometheus-operator 0.93 is not in {FOLDER}: {kind} IS NOT CHECKED")
    crd = yaml.load(file.read_text(), _Loader)  # noqa: S506  a safe loader with one tag more
    served = [version for version in crd["spec"]["versions"] if version["storage"]]
    found: dict[str, Any] = strict(served[-1]["schema"]["openAPIV3Schema"])
    found["properties"]["metadata"] = {"type": "object"}
    return found


def strict(schema: Any) -> Any:
    """`schema` with every unknown field refused, except where Kubernetes keeps them."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(part) for key, part in schema.items() if key != "x-kubernetes-validations"}
    if "(?i)" in str(made.get("pattern", "")):  # Go allows the flag in the middle, Python at the start only
        made["pattern"] = "(?i)" + made["pattern"].replace("(?i)", "")
    closed = "properties" in made and made.get("type") == "object"
    if closed and not made.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


def refused(kind: str, thing: object) -> list[str]:
    """Why `thing` is no valid `kind`."""
    return faults(schema(kind), thing)
