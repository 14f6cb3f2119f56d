"""A PromQL text → whether it has a result only while series of the service itself exist."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import promql_parser as promql

from handrail.promql.syntax import fills, parsed

_RECORDED = ("handrail", "ALERTS")
"""What the names of series begin with that rules, alerts or the receiver write."""
_ALWAYS = frozenset({"absent", "absent_over_time", "vector", "scalar", "time", "pi"})


@lru_cache(1024)
def needs_series(text: str) -> bool:
    """False where that is not certain. Raises ValueError when it is not PromQL."""
    return _needs(parsed(text))


def _needs(node: Any) -> bool:
    match node:
        case promql.VectorSelector(name=str(name)):
            return name != "" and not name.startswith(_RECORDED)
        case promql.MatrixSelector():
            return _needs(node.vector_selector)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr() | promql.AggregateExpr():
            return _needs(node.expr)
        case promql.Call():
            return node.func.name not in _ALWAYS and any(map(_needs, node.args))
        case promql.BinaryExpr():
            return _of_two(node)
        case _:  # a number or a text
            return False


def _of_two(node: Any) -> bool:
    sides = [_needs(node.lhs), _needs(node.rhs)]
    match str(node.op):
        case "or":
            return all(sides)
        case "unless":
            return sides[0]
        case _:
            return all(sides) if fills(node) else any(sides)
