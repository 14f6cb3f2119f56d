"""PromQL that a user wrote → a selector, a number, or a refusal; and small parts of PromQL texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import promql_parser

from handrail.plan import Selector

_LABEL = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")

_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`|#[^\n]*", re.DOTALL)

_OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}

_NO_VALUE = (promql_parser.MatrixSelector, promql_parser.SubqueryExpr, promql_parser.StringLiteral)


@lru_cache(4096)
def selector(text: str) -> Selector:
    """A user's series selector → Selector. Raises ValueError for anything but a plain instant selector."""
    parsed_text = parsed(text)
    if (
        not isinstance(parsed_text, promql_parser.VectorSelector)
        or parsed_text.offset
        or parsed_text.at
        or not parsed_text.name
    ):
        raise ValueError(
            f"'{text}' is not a series; write a metric name with matchers, like http_requests_total{{status=~\"5..\"}}"
        )
    if parsed_text.matchers.or_matchers:
        raise ValueError(
            f"'{text}' joins matchers by `or`, which Prometheus does not know; write one pattern"
        )
    if odd := [one.name for one in parsed_text.matchers.matchers if not _LABEL.fullmatch(one.name)]:
        raise ValueError(
            f"'{text}' matches '{odd[0]}', which Prometheus before 3 refuses; write letters, digits and _"
        )
    matchers = tuple(
        (matcher.name, _OPERATORS[str(matcher.op).rpartition(".")[2]], matcher.value)
        for matcher in parsed_text.matchers.matchers
    )
    return Selector(parsed_text.name, matchers)


def checked(text: str) -> str:
    """`text` itself. Raises ValueError when it is not PromQL, or does not have one value for each series."""
    expr = parsed(text)
    while isinstance(expr, promql_parser.ParenExpr):
        expr = expr.expr
    if isinstance(expr, _NO_VALUE):
        what, cure = f"'{text}' has no one value for each series", "write rate(), max_over_time() or the like"
        raise ValueError(f"{what}; {cure}")  # noqa: TRY004  pydantic's way
    return text


def parsed(text: str) -> promql_parser.Expr:
    """The syntax of `text`. Raises ValueError when it is not PromQL."""
    try:
        return promql_parser.parse(_STRING.sub(_quoted, text))
    except ValueError as error:
        raise ValueError(f"'{text}' is not PromQL ({error}); correct it") from None


def uncommented(text: str) -> str:
    """`text` without its comments, so that more can be appended."""
    return _STRING.sub(lambda match: "" if match[0].startswith("#") else match[0], text).strip()


def _quoted(string: re.Match[str]) -> str:
    """A text between backticks in a form that the parser reads correctly: nothing in it is an escape."""
    if not string[0].startswith("`"):
        return string[0]
    raw = string[0][1:-1].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{raw}"'


def by(operator: str, labels: tuple[str, ...], inner: str) -> str:
    """`operator by (labels) (inner)`, without the clause where there are no labels."""
    return f"{operator} by ({', '.join(labels)}) ({inner})" if labels else f"{operator}({inner})"


def either(values: Iterable[str]) -> str:
    """A regular expression for exactly these label values."""
    return "|".join(re.escape(value).replace("\\%", "%") for value in values)


def is_scalar(expr: str) -> bool:
    """Whether an expression is a number and no vector."""
    return is_number(parsed(expr))


def is_number(expr: promql_parser.Expr) -> bool:
    """Whether what was parsed is a number and no vector."""
    match expr:
        case promql_parser.NumberLiteral():
            return True
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            return is_number(expr.expr)
        case promql_parser.Call():
            return expr.func.name in {"time", "scalar", "pi"}
        case promql_parser.BinaryExpr():
            return is_number(expr.lhs) and is_number(expr.rhs)
        case _:
            return False


def fills(operation: promql_parser.BinaryExpr) -> bool:
    """Whether one side of an operation gets a value where it has none (`fill`)."""
    fill = operation.modifier and operation.modifier.fill_values
    return bool(fill) and any(getattr(fill, side, None) is not None for side in ("lhs", "rhs"))
