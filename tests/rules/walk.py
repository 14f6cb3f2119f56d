"""A PromQL text → its nodes, each with those around it."""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser as promql

Node = promql.Expr


def nodes(expr: str | Node, around: tuple[Node, ...] = ()) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """Every node, and what it is inside of, the nearest last."""
    node = promql.parse(expr) if isinstance(expr, str) else expr
    yield node, around
    for child in _children(node):
        yield from nodes(child, (*around, node))


def _children(node: Node) -> list[Node]:
    if isinstance(node, promql.BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, promql.AggregateExpr):
        return [node.expr, *([] if node.param is None else [node.param])]
    if isinstance(node, promql.Call):
        return list(node.args)
    if isinstance(node, promql.ParenExpr | promql.UnaryExpr | promql.SubqueryExpr):
        return [node.expr]
    if isinstance(node, promql.MatrixSelector):
        return [node.vector_selector]
    return []
