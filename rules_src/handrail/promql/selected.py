"""A PromQL text → the series it reads, each with the labels it must have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import promql_parser as promql

from handrail.promql.syntax import parsed
from handrail.promql.together import PLACE

_OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
_WRITE_LABELS = frozenset({"label_replace", "label_join"})


@dataclass(frozen=True)
class Selected:
    """One selector: its metric, its matchers (label, operator, value), and the labels it is aggregated by."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]
    by: frozenset[str]


@lru_cache(4096)
def selected(text: str) -> tuple[Selected, ...]:
    """Every selector of `text`. Raises ValueError when it is not PromQL."""
    return tuple(_selected(parsed(text), frozenset()))


def _selected(node: Any, by: frozenset[str]) -> Iterator[Selected]:
    match node:
        case promql.VectorSelector():
            matchers = node.matchers.matchers
            said = ((one.name, _OPERATORS[str(one.op).rpartition(".")[2]], one.value) for one in matchers)
            yield Selected(node.name or "", tuple(said), by)
        case promql.MatrixSelector():
            yield from _selected(node.vector_selector, by)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            yield from _selected(node.expr, by)
        case promql.AggregateExpr():
            yield from _selected(node.expr, by | _grouped(node.modifier))
        case promql.BinaryExpr():
            inner = by if str(node.op) == "or" else frozenset()
            yield from _selected(node.lhs, inner)
            yield from _selected(node.rhs, inner)
        case promql.Call():
            inner = by - _written_by(node)
            for argument in node.args:
                yield from _selected(argument, inner)
        case _:  # a number or a text
            return


@lru_cache(4096)
def together_in(text: str) -> tuple[tuple[Selected, ...], ...]:
    """Series that `text` reads as one: each group is added up, and one of it is enough. Raises ValueError."""
    return tuple(tuple(dict.fromkeys(group)) for group in _together(parsed(text)))


def _together(node: Any) -> Iterator[list[Selected]]:
    parts = list(_alternatives(node))
    if len(parts) > 1 and all(map(_is_marked, parts)):
        yield [one for part in parts for one in _selected(part, frozenset())]
        return
    match node:
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr() | promql.AggregateExpr():
            yield from _together(node.expr)
        case promql.BinaryExpr():
            yield from _together(node.lhs)
            yield from _together(node.rhs)
        case promql.Call():
            for argument in node.args:
                yield from _together(argument)
        case _:  # one series, a number or a text
            return


def _alternatives(node: Any) -> Iterator[Any]:
    """What stands between the `or`s of an expression, itself where there are none."""
    if isinstance(node, promql.BinaryExpr) and str(node.op) == "or":
        yield from _alternatives(node.lhs)
        yield from _alternatives(node.rhs)
    else:
        yield node


def _is_marked(node: Any) -> bool:
    """Whether it is one of several series that are added up."""
    return (
        isinstance(node, promql.Call)
        and node.func.name == "label_replace"
        and isinstance(node.args[1], promql.StringLiteral)
        and node.args[1].val == PLACE
    )


def _written_by(call: Any) -> frozenset[str]:
    """The label that a function writes itself, which its series need not have."""
    label = call.args[1] if call.func.name in _WRITE_LABELS else None
    return frozenset({label.val} if isinstance(label, promql.StringLiteral) else ())


def _grouped(modifier: Any) -> frozenset[str]:
    if modifier is None or modifier.type is promql.AggModifierType.Without:
        return frozenset()
    return frozenset(modifier.labels)


def quantile_scale(text: str) -> float | None:
    """What a quantile of a histogram is multiplied by before it is judged; None where `text` takes none."""
    return _scale(parsed(text), 1.0)


def _scale(node: Any, by: float) -> float | None:
    match node:
        case promql.Call() if node.func.name == "histogram_quantile":
            return by
        case promql.BinaryExpr():
            factor = (
                node.rhs.val if str(node.op) == "*" and isinstance(node.rhs, promql.NumberLiteral) else 1.0
            )
            factors = (_scale(node.lhs, by * factor), _scale(node.rhs, by))
            return next((one for one in factors if one is not None), None)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.AggregateExpr() | promql.SubqueryExpr():
            return _scale(node.expr, by)
        case promql.Call():
            found_in = (_scale(argument, by) for argument in node.args)
            return next((one for one in found_in if one is not None), None)
        case _:
            return None
