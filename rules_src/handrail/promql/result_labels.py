"""A PromQL text → the labels by which the series of its result can differ.

A label that a matcher fixes to one value is not among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import promql_parser as promql

from handrail.promql.syntax import is_number, parsed

_PICKING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
"""Aggregations whose series are some of those they look at."""
_SETS = frozenset({"and", "unless"})
_ONE_SERIES = frozenset({"vector", "time", "scalar", "pi", "absent", "absent_over_time"})


@dataclass(frozen=True)
class Labels:
    """The labels that are named, and whether there may be others."""

    named: frozenset[str]
    others: bool


def result_labels(text: str) -> frozenset[str] | None:
    """Every label that the result of `text` may carry; None when it may carry any. Raises ValueError when it is not PromQL."""
    left = labels(text)
    return None if left.others else left.named


@lru_cache(1024)
def labels(text: str) -> Labels:
    """What is known of the labels of the result. Raises ValueError when it is not PromQL."""
    return _labels(parsed(text))


def _labels(node: Any) -> Labels:
    match node:
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return _labels(node.expr)
        case promql.VectorSelector():
            return Labels(frozenset(), others=True)
        case promql.MatrixSelector():
            return _labels(node.vector_selector)
        case promql.AggregateExpr():
            return _aggregated(node)
        case promql.BinaryExpr():
            return _joined(node)
        case promql.Call():
            return _called(node)
        case _:
            return Labels(frozenset(), others=False)


def _aggregated(node: Any) -> Labels:
    inner = _labels(node.expr)
    if str(node.op) in _PICKING:
        return inner
    without = node.modifier is not None and node.modifier.type is promql.AggModifierType.Without
    named = frozenset(node.modifier.labels if node.modifier is not None else ())
    kept = inner.named - named if without else named
    if str(node.op) == "count_values" and isinstance(node.param, promql.StringLiteral):
        kept |= {node.param.val}
    return Labels(kept, others=without and inner.others)


def _joined(node: Any) -> Labels:
    left, right = _labels(node.lhs), _labels(node.rhs)
    if is_number(node.lhs) or is_number(node.rhs):
        return right if is_number(node.lhs) else left
    if str(node.op) == "or":
        return Labels(left.named | right.named, others=left.others or right.others)
    if str(node.op) in _SETS or node.modifier is None:
        return left
    return _matched(node.modifier, left, right)


def _matched(modifier: Any, left: Labels, right: Labels) -> Labels:
    card = promql.VectorMatchCardinality
    if modifier.card in (card.ManyToOne, card.OneToMany):
        many = left if modifier.card is card.ManyToOne else right
        return Labels(many.named | frozenset(modifier.group_labels or ()), others=many.others)
    if modifier.matching is None:
        return left
    named = frozenset(modifier.matching.labels)
    if modifier.matching.type is promql.LabelModifierType.Include:
        return Labels(named, others=False)
    return Labels(left.named - named, others=left.others)


def _called(node: Any) -> Labels:
    name = node.func.name
    if name in _ONE_SERIES or not node.args:
        return Labels(frozenset(), others=False)
    inner = _labels(node.args[1 if name in ("histogram_quantile", "quantile_over_time") else 0])
    if name in ("label_replace", "label_join") and isinstance(node.args[1], promql.StringLiteral):
        return Labels(inner.named | {node.args[1].val}, others=inner.others)
    return Labels(inner.named - {"le"}, others=inner.others) if name == "histogram_quantile" else inner
