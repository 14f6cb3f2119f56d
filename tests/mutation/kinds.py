"""A recording rule → its kind: its text without the names and times that its rollout's team chose.

Rules of one kind in a rollout are written by the same lines of the compiler, and differ only in metrics, in values of labels
(so in rollout and guardrail too) and in times. Each name stays apart from every other: `a / a` and `a / b` are two kinds.
"""

from __future__ import annotations

import promql_parser as promql
from handrail.emit.document import Data

from .tokens import tokens

_OURS = "handrail"


def kind(rule: Data) -> str:
    """The same text for all recording rules of one kind."""
    metrics, named = _metrics(promql.parse(rule["expr"])), dict[tuple[str, str], str]()

    def name(of: str, text: str) -> str:
        return named.setdefault((of, text), f"{of}{len(named)}")

    written, inside = [rule["record"]], False
    for token in tokens(rule["expr"]):
        inside = token.text == "{" or (inside and token.text != "}")
        if token.kind in ("span", "time"):
            written.append(name("time", token.text.strip("[]")))
        elif token.kind == "text" and inside:
            written.append(name("value", token.text.strip('"')))
        elif token.kind == "word" and not inside and token.text in metrics:
            written.append(name("metric", token.text))
        else:
            written.append(token.text)
    written += [f"{label}={name('value', text)}" for label, text in sorted(rule["labels"].items())]
    return " ".join(written)


def _metrics(node: promql.Expr) -> set[str]:
    """The metrics that are not Handrail's own."""
    if isinstance(node, promql.VectorSelector):
        return set() if node.name is None or node.name.startswith(_OURS) else {node.name}
    return set().union(*map(_metrics, below(node)))


def below(node: promql.Expr) -> list[promql.Expr]:
    """The parts that an expression is put together of."""
    match node:
        case promql.MatrixSelector():
            return [node.vector_selector]
        case promql.ParenExpr() | promql.SubqueryExpr() | promql.UnaryExpr():
            return [node.expr]
        case promql.AggregateExpr():
            return [node.expr, *([] if node.param is None else [node.param])]
        case promql.Call():
            return list(node.args)
        case promql.BinaryExpr():
            return [node.lhs, node.rhs]
    return []
