"""A PromQL text → texts that differ from it in one token.

The text is cut into tokens by a lexer for the part of PromQL that the compiler writes; what comes out is
parsed by promql-parser and dropped unless it is PromQL and means something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import promql_parser

from .meaning import meaning

_TOKENS = re.compile(
    r"""(?P<space>\s+)
    |(?P<text>"(?:\\.|[^"\\])*")
    |(?P<span>\[[^\]]*\])
    |(?P<time>\b(?:\d+(?:ms|[smhdwy]))+\b)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<op>=~|!~|!=|==|>=|<=|[-+*/%^=<>])
    |(?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
    |(?P<mark>[(){},])""",
    re.VERBOSE,
)
_COMPARED = {">": (">=", "<"), ">=": (">", "<"), "<": ("<=", ">"), "<=": ("<", ">"), "==": ("!=",)}
_CALCULATED = {"*": ("/",), "/": ("*",), "+": ("-",), "-": ("+",)}
_MATCHED = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
_JOINED = {"and": ("or", "unless"), "or": ("and", "unless"), "unless": ("and", "or")}
_PUT_TOGETHER = {
    "sum": "max",
    "max": "min",
    "min": "max",
    "avg": "max",
    "bottomk": "topk",
    "topk": "bottomk",
    "max_over_time": "min_over_time",
    "min_over_time": "max_over_time",
    "increase": "rate",
    "absent": "count",
    "absent_over_time": "count_over_time",
    "last_over_time": "count_over_time",
    "changes": "count_over_time",
    "sum_over_time": "max_over_time",
}


@dataclass(frozen=True)
class Token:
    """A word of the text and what kind it is."""

    kind: str
    text: str


@dataclass(frozen=True)
class Change:
    """What was changed, in words, and the text after it."""

    what: str
    expr: str


def changes(expr: str) -> Iterator[Change]:
    """Every single change that leaves PromQL which means something else."""
    tokens = [Token(str(match.lastgroup), match[0]) for match in _TOKENS.finditer(expr)]
    if "".join(token.text for token in tokens) != expr:
        raise ValueError(f"the lexer does not know all of: {expr}")
    same, seen = meaning(expr), set()
    for change in _changes(tokens):
        try:
            parsed = str(promql_parser.parse(change.expr))
        except ValueError:
            continue
        if parsed not in seen and meaning(change.expr) != same:
            seen.add(parsed)
            yield change


def _changes(tokens: list[Token]) -> Iterator[Change]:
    inside = False
    for index, token in enumerate(tokens):
        inside = token.text == "{" or (inside and token.text != "}")
        for what, text in _others(tokens, index, inside=inside):
            yield Change(what, _with(tokens, index, text))
        yield from _dropped(tokens, index, inside=inside)


def _others(tokens: list[Token], index: int, *, inside: bool) -> Iterator[tuple[str, str]]:
    token = tokens[index]
    place = _place(tokens, index)
    if token.kind == "op" and inside:
        yield f"matcher {_matcher(tokens, index)} turned round", _MATCHED[token.text]
    elif token.kind == "op":
        for other in (*_COMPARED.get(token.text, ()), *_CALCULATED.get(token.text, ())):
            yield f"{token.text} → {other} {place}", other
    elif token.kind == "number":
        for other in _numbers(token.text):
            yield f"{token.text} → {other} {place}", other
    elif token.kind == "span":
        for other in _spans(token.text[1:-1]):
            yield f"window {token.text} → [{other}] {place}", f"[{other}]"
    elif token.kind == "time":
        for other in _spans(token.text):
            yield f"{token.text} → {other} {place}", other
    elif token.kind == "text" and inside:
        yield f"matcher {_matcher(tokens, index)} changed", '"changed"'
    elif token.kind == "word" and not inside:
        for other in _JOINED.get(token.text, ()):
            yield f"{token.text} → {other} {place}", other
        if token.text in _PUT_TOGETHER:
            yield f"{token.text} → {_PUT_TOGETHER[token.text]} {place}", _PUT_TOGETHER[token.text]


def _numbers(text: str) -> list[str]:
    number = Decimal(text)
    if number == 0:
        return ["1"]
    return [f"{(number * factor).normalize():f}" for factor in (Decimal("1.1"), Decimal("0.9"))]


def _spans(text: str) -> list[str]:
    units = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
    whole = sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)(ms|[smhdw])", text))
    return [f"{whole * 2}ms", f"{whole // 2}ms"]


def _dropped(tokens: list[Token], index: int, *, inside: bool) -> Iterator[Change]:
    token = tokens[index]
    if inside and token.kind == "op":
        start, end = _words_around(tokens, index)
        yield Change(f"matcher {_matcher(tokens, index)} dropped", _without(tokens, start, end))
    if token.text in ("by", "on", "group_left") and tokens[index + 1].text == " ":
        yield from _label_dropped(tokens, index)
    if token.text == "offset":
        rest = "".join(t.text for t in tokens[index + 3 :])
        yield Change(
            f"offset dropped {_place(tokens, index)}", "".join(t.text for t in tokens[: index - 1]) + rest
        )


def _label_dropped(tokens: list[Token], index: int) -> Iterator[Change]:
    end = next(i for i in range(index, len(tokens)) if tokens[i].text == ")")
    for at in (i for i in range(index + 1, end) if tokens[i].kind == "word"):
        if tokens[index].text == "on" and _said_twice(tokens, index, tokens[at].text):
            continue
        start, stop = _words_around(tokens, at, width=0)
        what = f"label {tokens[at].text} of {tokens[index].text} dropped {_place(tokens, index)}"
        yield Change(what, _without(tokens, start, stop))


def _words_around(tokens: list[Token], index: int, width: int = 1) -> tuple[int, int]:
    """From a matcher's first token to its last, with the comma that goes with it."""
    start, end = index - width, index + width + 1
    if end < len(tokens) and tokens[end].text == ",":
        end += 1
        while tokens[end].kind == "space":
            end += 1
    elif start > 0 and tokens[start - 1].text == ",":
        start -= 1
    elif start > 1 and tokens[start - 1].kind == "space" and tokens[start - 2].text == ",":
        start -= 2
    return start, end


def _said_twice(tokens: list[Token], index: int, label: str) -> bool:
    """Whether matchers on both sides of a join give the label the same value, so that `on` need not."""
    left = "".join(token.text for token in tokens[:index])
    right = "".join(token.text for token in tokens[index:])
    values = [set(re.findall(rf'\b{label}="([^"]*)"', side)) for side in (left, right)]
    return len(values[0]) == 1 and values[0] == values[1]


def _matcher(tokens: list[Token], index: int) -> str:
    middle = index if tokens[index].kind == "op" else index - 1
    brace = next(i for i in range(middle, -1, -1) if tokens[i].text == "{")
    text = "".join(token.text for token in tokens[middle - 1 : middle + 2])
    return f"{text} of {tokens[brace - 1].text} ({_nth(tokens, brace - 1)})"


def _place(tokens: list[Token], index: int) -> str:
    """Which of the same words it is, so that a mutant's name stays the same from run to run."""
    return f"({_nth(tokens, index)})"


def _nth(tokens: list[Token], index: int) -> int:
    return sum(token.text == tokens[index].text for token in tokens[: index + 1])


def _with(tokens: list[Token], index: int, text: str) -> str:
    return "".join(text if at == index else token.text for at, token in enumerate(tokens))


def _without(tokens: list[Token], start: int, end: int) -> str:
    return "".join(token.text for at, token in enumerate(tokens) if not start <= at < end)
