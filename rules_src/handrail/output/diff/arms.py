"""Expressions with the versions of a rollout in them → the same with the arms instead: canary and stable."""

from __future__ import annotations

from typing import Any

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
