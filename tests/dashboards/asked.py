"""A PromQL expression → its selectors, and which series of the sources they select."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import promql_parser

from dashboards.exported import Series

OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


def selectors(node: Any, function: str = "") -> Iterator[tuple[Any, str]]:
    """Every selector with the function that it stands in."""
    match node:
        case promql_parser.VectorSelector():
            yield node, function
        case promql_parser.MatrixSelector():
            yield node.vector_selector, function
        case promql_parser.Call():
            for argument in node.args:
                yield from selectors(argument, node.func.name)
        case _:
            for child in ("lhs", "rhs", "expr"):
                if (below := getattr(node, child, None)) is not None:
                    yield from selectors(below)


def selected(selector: Any, known: Iterable[Series]) -> list[Series]:
    """The series that a selector takes."""
    tests = [(m.name, OPERATORS[str(m.op).rpartition(".")[2]], m.value) for m in selector.matchers.matchers]
    return [
        series
        for series in known
        if series.name == selector.name
        and all(_fits(dict(series.labels).get(label, ""), op, value) for label, op, value in tests)
    ]


def _fits(found: str, op: str, value: str) -> bool:
    same = found == value if op in {"=", "!="} else re.fullmatch(value, found) is not None
    return same is (op in {"=", "=~"})
