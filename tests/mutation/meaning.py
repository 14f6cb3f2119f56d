"""A PromQL text → what it selects, written so that two texts that cannot differ in their result are the same.

A matcher that a join repeats on its other side says nothing: in `a{rollout="x"} / b{rollout="x"}` either may be
dropped. So what one side of a join pins is written to the other side too.
"""

from __future__ import annotations

import promql_parser as promql

Pins = frozenset[tuple[str, str, str]]
"""What the labels of every series fit: a label, `=`, `!=`, `=~` or `!~`, and a text."""

NONE: Pins = frozenset()
_KEEPS = ("rate", "increase", "delta", "changes", "resets", "round", "histogram_quantile")


def meaning(node: promql.Expr) -> str:
    """The same text for every expression that means the same by its joins."""
    return _written(node, NONE)


def pinned(expr: str) -> frozenset[tuple[str, str]]:
    """The labels that whatever comes out has by itself, with their values."""
    equal = str(promql.MatchOp.Equal)
    return frozenset((label, text) for label, op, text in _pins(promql.parse(expr)) if op == equal and text)


def _pins(node: promql.Expr) -> Pins:
    match node:
        case promql.VectorSelector():
            return frozenset((m.name, str(m.op), m.value) for m in node.matchers.matchers)
        case promql.MatrixSelector():
            return _pins(node.vector_selector)
        case promql.ParenExpr():
            return _pins(node.expr)
        case promql.Call() if _keeps(node):
            return _pins(node.args[-1] if node.func.name != "round" else node.args[0])
        case promql.AggregateExpr():
            return _only(_pins(node.expr), _by(node))
        case promql.BinaryExpr():
            return _joined(node)
    return NONE


def _joined(node: promql.BinaryExpr) -> Pins:
    left, right, on = _pins(node.lhs), _pins(node.rhs), _on(node)
    match str(node.op):
        case "or":
            return left & right
        case "unless":
            return left
        case "and":
            return left | _only(right, on)
    if on is None or "group_left" in str(node.modifier):
        return left | _only(right, on)
    return _only(left | right, on)


def _written(node: promql.Expr, given: Pins) -> str:
    """The text, where only series that fit what is `given` matter."""
    match node:
        case promql.VectorSelector():
            return f"{node.name}{sorted(_pins(node) | given)} offset {node.offset}"
        case promql.MatrixSelector():
            return f"{_written(node.vector_selector, given)}[{node.range}]"
        case promql.ParenExpr():
            return _written(node.expr, given)
        case promql.Call():
            passed = given if _keeps(node) else NONE
            return f"{node.func.name}({', '.join(_written(arg, passed) for arg in node.args)})"
        case promql.AggregateExpr():
            param = "" if node.param is None else _written(node.param, NONE)
            return f"{node.op} {node.modifier} ({param}, {_written(node.expr, _only(given, _by(node)))})"
        case promql.BinaryExpr():
            left, right = _sides(node, given)
            return f"({_written(node.lhs, left)} {node.op} {node.modifier} {_written(node.rhs, right)})"
    return str(node)


def _sides(node: promql.BinaryExpr, given: Pins) -> tuple[Pins, Pins]:
    """What each side of a join may be taken to say."""
    on = _on(node)
    if str(node.op) == "or":
        return given, given
    right = _only(given | _pins(node.lhs), on)
    return (given if str(node.op) == "unless" else given | _only(_pins(node.rhs), on)), right


def _keeps(call: promql.Call) -> bool:
    """Whether what comes out has the labels of what goes in."""
    return (
        str(call.func.name).endswith("_over_time") and "absent" not in call.func.name
    ) or call.func.name in _KEEPS


def _only(pins: Pins, labels: tuple[str, ...] | None) -> Pins:
    return pins if labels is None else frozenset(pin for pin in pins if pin[0] in labels)


def _by(node: promql.AggregateExpr) -> tuple[str, ...]:
    modifier = node.modifier
    return () if modifier is None or not str(modifier).startswith("by") else tuple(modifier.labels)


def _on(node: promql.BinaryExpr) -> tuple[str, ...] | None:
    """The labels that are joined on; None where it is all of them."""
    matching = None if node.modifier is None else node.modifier.matching
    return None if matching is None or not str(matching).startswith("on") else tuple(matching.labels)
