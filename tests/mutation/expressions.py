"""A PromQL text → texts that differ from it in one token.

The text is cut into tokens (tokens.py); what comes out is parsed by promql-parser and dropped unless it is PromQL and
means something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

import promql_parser

from .meaning import meaning
from .tokens import Token, tokens

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
class Change:
    """What was changed, in words; which word of the text and how, the same for all texts of a kind; and the text after it."""

    what: str
    expr: str
    place: str = ""


def changes(expr: str) -> Iterator[Change]:
    """Every single change that leaves PromQL which means something else."""
    words = tokens(expr)
    same, seen = meaning(promql_parser.parse(expr)), set()
    for change in _changes(words):
        try:
            node = promql_parser.parse(change.expr)
        except ValueError:
            continue
        if (parsed := str(node)) not in seen and meaning(node) != same:
            seen.add(parsed)
            yield change


def _changes(words: list[Token]) -> Iterator[Change]:
    inside = False
    for index, token in enumerate(words):
        inside = token.text == "{" or (inside and token.text != "}")
        for number, change in enumerate(_at(words, index, inside=inside)):
            yield replace(change, place=f"{index}.{number}")


def _at(words: list[Token], index: int, *, inside: bool) -> Iterator[Change]:
    for what, text in _others(words, index, inside=inside):
        yield Change(what, _with(words, index, text))
    yield from _dropped(words, index, inside=inside)


def _others(words: list[Token], index: int, *, inside: bool) -> Iterator[tuple[str, str]]:
    token = words[index]
    place = _place(words, index)
    if token.kind == "op" and inside:
        yield f"matcher {_matcher(words, index)} turned round", _MATCHED[token.text]
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
        yield f"matcher {_matcher(words, index)} changed", '"changed"'
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


def _dropped(words: list[Token], index: int, *, inside: bool) -> Iterator[Change]:
    token = words[index]
    if inside and token.kind == "op":
        start, end = _words_around(words, index)
        yield Change(f"matcher {_matcher(words, index)} dropped", _without(words, start, end))
    if token.text in ("by", "on", "group_left") and words[index + 1].text == " ":
        yield from _label_dropped(words, index)
    if token.text == "offset":
        rest = "".join(t.text for t in words[index + 3 :])
        yield Change(
            f"offset dropped {_place(words, index)}", "".join(t.text for t in words[: index - 1]) + rest
        )


def _label_dropped(words: list[Token], index: int) -> Iterator[Change]:
    end = next(i for i in range(index, len(words)) if words[i].text == ")")
    for at in (i for i in range(index + 1, end) if words[i].kind == "word"):
        if words[index].text == "on" and _said_twice(words, index, words[at].text):
            continue
        start, stop = _words_around(words, at, width=0)
        what = f"label {words[at].text} of {words[index].text} dropped {_place(words, index)}"
        yield Change(what, _without(words, start, stop))


def _words_around(words: list[Token], index: int, width: int = 1) -> tuple[int, int]:
    """From a matcher's first token to its last, with the comma that goes with it."""
    start, end = index - width, index + width + 1
    if end < len(words) and words[end].text == ",":
        end += 1
        while words[end].kind == "space":
            end += 1
    elif start > 0 and words[start - 1].text == ",":
        start -= 1
    elif start > 1 and words[start - 1].kind == "space" and words[start - 2].text == ",":
        start -= 2
    return start, end


def _said_twice(words: list[Token], index: int, label: str) -> bool:
    """Whether matchers on both sides of a join give the label the same value, so that `on` need not."""
    left = "".join(token.text for token in words[:index])
    right = "".join(token.text for token in words[index:])
    values = [set(re.findall(rf'\b{label}="([^"]*)"', side)) for side in (left, right)]
    return len(values[0]) == 1 and values[0] == values[1]


def _matcher(words: list[Token], index: int) -> str:
    middle = index if words[index].kind == "op" else index - 1
    brace = next(i for i in range(middle, -1, -1) if words[i].text == "{")
    text = "".join(token.text for token in words[middle - 1 : middle + 2])
    return f"{text} of {words[brace - 1].text} ({_nth(words, brace - 1)})"


def _place(words: list[Token], index: int) -> str:
    """Which of the same words it is, so that a mutant's name stays the same from run to run."""
    return f"({_nth(words, index)})"


def _nth(words: list[Token], index: int) -> int:
    return sum(token.text == words[index].text for token in words[: index + 1])


def _with(words: list[Token], index: int, text: str) -> str:
    return "".join(text if at == index else token.text for at, token in enumerate(words))


def _without(words: list[Token], start: int, end: int) -> str:
    return "".join(token.text for at, token in enumerate(words) if not start <= at < end)
