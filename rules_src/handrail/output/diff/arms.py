"""The arms of a playbook, and expressions with their versions in them → the same with the arms instead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handrail.contract import names
from handrail.plan import Selector
from handrail.promql.syntax import either


def without_versions(data: Any, arms: Any) -> Any:
    """`data` with each matcher on the arms' label saying which arm is meant, whatever its version is called."""
    if not arms or not isinstance(arms.get("canary"), str):
        return data
    label, canary, stable = arms["label"], arms["canary"], arms["stable"]
    both = [(canary, stable), (stable, canary)]
    meant = {
        **{_matcher(label, "=~", either(pair)): f"{label}=both arms" for pair in both},
        **{
            _matcher(label, op, version): f"{label}{op}the {arm}"
            for op in ("=", "!=")
            for arm, version in (("canary", canary), ("stable", stable))
        },
    }
    return _replaced(data, meant)


def _matcher(label: str, op: str, value: str) -> str:
    return str(Selector("x", ((label, op, value),)))[2:-1]


def _replaced(data: Any, meant: dict[str, str]) -> Any:
    if isinstance(data, str):
        for written, arm in meant.items():
            data = data.replace(written, arm)
        return data
    if isinstance(data, list):
        return [_replaced(one, meant) for one in data]
    if isinstance(data, dict):
        return {key: _replaced(one, meant) for key, one in data.items() if key != "arms"}
    return data


@dataclass(frozen=True)
class ArmsState:
    """The label that tells the versions apart, and what it says of each; None where each start says it.

    `read` is where a start reads them.
    """

    label: str
    canary: str | None
    stable: str | None
    read: str


def arms_state(arms: Mapping[str, Any]) -> ArmsState:
    """The arms of a playbook."""
    values = {arm: arms.get(arm) for arm in (names.CANARY, names.STABLE)}
    known = {arm: value if isinstance(value, str) else None for arm, value in values.items()}
    read = [
        f"{arm} from {json.dumps(value, sort_keys=True, ensure_ascii=False)}"
        for arm, value in values.items()
        if isinstance(value, dict)
    ]
    return ArmsState(arms["label"], known[names.CANARY], known[names.STABLE], ", ".join(read))
