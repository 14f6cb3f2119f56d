"""A free PromQL expression → what can be said of it without asking anybody: how many series, silences, age."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

import promql_parser as promql

from handrail.plan import Selector
from handrail.plan.versions import Version
from handrail.promql.result_labels import result_labels
from handrail.promql.syntax import fills, is_number, parsed

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
_ABSENT = frozenset({"absent", "absent_over_time"})

_FUNCTIONS = (
    "abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp clamp_max "
    "clamp_min cos cosh count_over_time days_in_month day_of_month day_of_week day_of_year deg delta deriv exp floor "
    "histogram_count histogram_fraction histogram_quantile histogram_sum hour idelta increase irate label_join "
    "label_replace last_over_time ln log10 log2 max_over_time min_over_time minute month pi predict_linear "
    "present_over_time quantile_over_time rad rate resets round scalar sgn sin sinh sort sort_desc sqrt "
    "stddev_over_time stdvar_over_time sum_over_time tan tanh time timestamp vector year"
)
_AGGREGATIONS = "avg bottomk count count_values group max min quantile stddev stdvar sum topk"
KNOWN = frozenset((*_FUNCTIONS.split(), *_AGGREGATIONS.split()))
"""The functions and aggregations that Prometheus 2.42 and 3 both have."""
SINCE: dict[str, Version] = dict.fromkeys(("histogram_avg", "histogram_stddev", "histogram_stdvar"), (2, 53))
"""Those that came later, and the first long-term release that has them all; the others are experiments, or gone."""
_NUMBERS: Version = (2, 54)
"""From here on a duration is a number, and a number a duration."""
_QUOTES: Version = (3, 0)
"""From here on a metric and a label may have any name."""

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_TEXT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`|#[^\n]*", re.DOTALL)
_QUOTED_NAME = re.compile(
    r"\{(?:[^}]*,)?\s*\"\"\s*(?:[,}=!])|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\"\""
)
_SPANS = re.compile(r"\[[^\]]*\]|\boffset\s*-?\s*[\w.]+")
_DURATION = re.compile(r"(?<![\w.])(?:\d+(?:ms|[smhdwy]))+(?!\w)")
_NUMBER_AS_SPAN = re.compile(r"(?:\[|\[[^\]:]*:|\boffset\s*-?)\s*(\d+(?:\.\d+)?)(?![\w.])")


@dataclass(frozen=True)
class New:
    """What not every Prometheus understands, and the first version that does; None: experimental, or gone from 3."""

    word: str
    since: Version | None


@lru_cache(1024)
def single(text: str) -> bool:
    """Whether `text` results in one series at most."""
    return result_labels(text) == frozenset()


@lru_cache(1024)
def silent(text: str) -> str | None:
    """The part of `text` that leaves no sample while its comparison does not hold; None where there is none."""
    reason = _silent(parsed(text))
    return None if reason is None else " ".join(reason.prettify().split())


@lru_cache(1024)
def new(text: str) -> tuple[New, ...]:
    """What is in `text` that Prometheus 2.42 or Prometheus 3 does not understand."""
    words = dict.fromkeys(word for node in _nodes(parsed(text)) for word in _new_words(node))
    bare = _TEXT.sub(lambda string: "" if string[0].startswith("#") else '""', text)
    if _QUOTED_NAME.search(bare):
        words[New("a name in quotes", _QUOTES)] = None
    words |= {New(f"{span} as a number", _NUMBERS): None for span in _DURATION.findall(_SPANS.sub("", bare))}
    words |= {New(f"{number} as a duration", _NUMBERS): None for number in _NUMBER_AS_SPAN.findall(bare)}
    return tuple(words)


@lru_cache(1024)
def empty(text: str) -> tuple[str, str] | None:
    """Why `text` never has a sample or always the same one, and what to do; None where it may have any."""
    nodes = list(_nodes(parsed(text)))
    selectors = [node for node in nodes if isinstance(node, promql.VectorSelector)]
    for one in selectors:
        label = _selected(one).contradiction
        if label is not None:
            return f"matches '{label}' twice, and no series fits both", "remove one of them"
    for one, seen in _looks(parsed(text)):
        if one.at is not None and one.at.type is promql.AtModifierType.At:
            return "looks at one moment for ever", "write offset, or remove @"
        if one.offset is not None and -one.offset >= seen and len(selectors) == 1:
            return "looks into the future, where no samples are", "write a positive offset"
    for node in nodes:
        if isinstance(node, promql.SubqueryExpr) and (node.step or _NOTHING) > (node.range or _NOTHING):
            return (
                "has a subquery that is shorter than its step, and mostly without a sample",
                "write a longer one",
            )
        if isinstance(node, promql.BinaryExpr) and str(node.op) in ("/", "%") and _is_zero(node.rhs):
            return "divides by 0, which is no number", "correct the divisor"
        label = _never_joined(node) if isinstance(node, promql.BinaryExpr) else None
        if label is not None:
            what = f"joins series whose '{label}' is never the same, and has no result"
            return what, f"aggregate it away, or write ignoring({label})"
    moves = any(isinstance(node, promql.Call) and node.func.name in _CLOCKS for node in nodes)
    if not selectors and not moves:
        return "looks at no series, and says the same whatever happens", "write what is to be judged"
    return None


_RATES = frozenset(
    [
        "rate",
        "increase",
        "irate",
        "delta",
        "idelta",
        "deriv",
        "predict_linear",
        "changes",
        "resets",
        "stddev_over_time",
        "stdvar_over_time",
    ]
)
"""What says nothing of a single sample, or always the same."""


@lru_cache(1024)
def ranges(text: str) -> tuple[tuple[str, timedelta, int], ...]:
    """Every range of series in `text`: the function that looks at it, how long it is, how many samples that needs."""
    return tuple(
        (f"{node.func.name}()", one.range, 2 if node.func.name in _RATES else 1)
        for node in _nodes(parsed(text))
        if isinstance(node, promql.Call)
        for one in node.args
        if isinstance(one, promql.MatrixSelector)
    )


_CLOCKS = frozenset(
    ["time", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year"]
)
_OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


_NOTHING = timedelta()
_REMEMBERED = timedelta(minutes=5)
"""How long a sample counts."""


def _looks(node: Any) -> Iterator[tuple[Any, timedelta]]:
    """Every selector, and from how long ago on it sees samples."""
    if isinstance(node, promql.MatrixSelector):
        yield node.vector_selector, node.range
    elif isinstance(node, promql.VectorSelector):
        yield node, _REMEMBERED
    else:
        below = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "param")]
        for one in (*below, *(getattr(node, "args", None) or ())):
            yield from _looks(one) if one is not None else ()


def _is_zero(node: Any) -> bool:
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    return isinstance(node, promql.NumberLiteral) and node.val == 0


def _selected(node: Any) -> Selector:
    matchers = (
        (one.name, _OPERATORS[str(one.op).rpartition(".")[2]], one.value) for one in node.matchers.matchers
    )
    return Selector(node.name or "", tuple(matchers))


def _never_joined(node: Any) -> str | None:
    """A label of which the two sides have one value each, and not the same one, though they are joined on it."""
    if str(node.op) in ("or", "unless") or is_number(node.lhs) or is_number(node.rhs):
        return None
    left, right = _fixed(node.lhs), _fixed(node.rhs)
    matching = node.modifier.matching if node.modifier is not None else None
    for label in sorted(left.keys() & right.keys()):
        joined = matching is None or (label in matching.labels) == (
            matching.type is promql.LabelModifierType.Include
        )
        if joined and left[label] != right[label]:
            return label
    return None


def _fixed(node: Any) -> dict[str, str]:
    """The labels that every series of the result has one known value of."""
    match node:
        case promql.VectorSelector():
            return {label: value for label, op, value in _selected(node).matchers if op == "=" and value}
        case promql.MatrixSelector():
            return _fixed(node.vector_selector)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return _fixed(node.expr)
        case promql.AggregateExpr():
            inside, modifier = _fixed(node.expr), node.modifier
            if modifier is None:
                return {}
            by = modifier.type is promql.AggModifierType.By
            return {label: value for label, value in inside.items() if (label in modifier.labels) == by}
        case promql.Call() if node.func.name not in _RELABELLING:
            return next((fixed for one in node.args if (fixed := _fixed(one))), {})
        case _:
            return {}


_RELABELLING = frozenset({"label_replace", "label_join", "absent", "absent_over_time", "vector", "scalar"})


def _silent(node: Any) -> Any | None:
    match node:
        case promql.BinaryExpr():
            return _silent_of_two(node)
        case promql.Call() if node.func.name in _ABSENT:
            return node
        case promql.Call():
            return next((reason for one in node.args if (reason := _silent(one)) is not None), None)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr() | promql.AggregateExpr():
            return _silent(node.expr)
        case _:
            return None


def _silent_of_two(node: Any) -> Any | None:
    op, left = str(node.op), _silent(node.lhs)
    if op in COMPARISONS and not (node.modifier is not None and node.modifier.return_bool):
        return None if is_number(node.lhs) and is_number(node.rhs) else node
    if op == "unless":
        return left
    right = _silent(node.rhs)
    if op == "or":
        return left if right is not None else None
    if op == "/" and _only_not_zero(node.rhs):
        return left  # divided by zero it would be no number, which says as little
    return left if left is not None else right


def _only_not_zero(node: Any) -> bool:
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    zero = isinstance(node, promql.BinaryExpr) and isinstance(node.rhs, promql.NumberLiteral)
    return zero and node.rhs.val == 0 and str(node.op) in (">", "!=") and _silent(node.lhs) is None


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        below = getattr(node, name, None)
        if below is not None:
            yield from _nodes(below)
    for below in getattr(node, "args", None) or ():
        yield from _nodes(below)


def _new_words(node: Any) -> Iterator[New]:
    match node:
        case promql.Call() if node.func.name not in KNOWN:
            yield New(f"{node.func.name}()", SINCE.get(node.func.name))
        case promql.AggregateExpr() if str(node.op) not in KNOWN:
            yield New(str(node.op), SINCE.get(str(node.op)))
        case promql.BinaryExpr() if fills(node):
            yield New("fill", None)
        case promql.VectorSelector():
            if node.name is not None and not _NAME.fullmatch(node.name):
                yield New(f"the metric name '{node.name}'", _QUOTES)
            if node.matchers.or_matchers:
                yield New("matchers joined by or", None)
        case _:
            return
