"""A PromQL text → the labels that its result may carry, None where only its series know."""

from __future__ import annotations

import promql_parser

Labels = frozenset[str]

_PICKING = ("topk", "bottomk", "limitk", "limit_ratio")
"""These aggregations keep whole series."""


def result_labels(text: str) -> Labels | None:
    """Every label that the result of `text` may carry; None when it may carry any. Raises ValueError when it is no PromQL."""
    return _of(promql_parser.parse(text))


def _of(expr: promql_parser.Expr) -> Labels | None:
    match expr:
        case promql_parser.NumberLiteral():
            return frozenset()
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            return _of(expr.expr)
        case promql_parser.AggregateExpr():
            return _of_aggregation(expr)
        case promql_parser.BinaryExpr():
            return _of_two(expr)
        case promql_parser.Call() if expr.func.name in ("vector", "scalar", "time"):
            return frozenset()
        case _:
            return None


def _of_aggregation(expr: promql_parser.AggregateExpr) -> Labels | None:
    operator = str(expr.op)
    if operator in _PICKING:
        return _of(expr.expr)
    if operator == "count_values":
        return None
    if expr.modifier is None:
        return frozenset()
    kept = frozenset(expr.modifier.labels)
    return kept if expr.modifier.type == promql_parser.AggModifierType.By else None


def _of_two(expr: promql_parser.BinaryExpr) -> Labels | None:
    left = _of(expr.lhs)
    if str(expr.op) in ("and", "unless"):
        return left
    right = _of(expr.rhs)
    return None if left is None or right is None else left | right
