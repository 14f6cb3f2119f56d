"""A matcher's pattern → label values that it may match, the plainest first: what reads them asks whether they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice, product
from re import _constants as of  # type: ignore[attr-defined]  # nothing public takes a pattern apart
from re import _parser  # type: ignore[attr-defined]
from typing import Any

MOST, OF_EACH = 200, 7
"""So many values of one pattern are tried, and so many texts of each of its parts."""
_ANY = ("0", "1", "5", "9", "x")
_NOT_THESE = ("x", "0", "a", "-", "/", ".", " ")
_CATEGORIES = {
    of.CATEGORY_DIGIT: "09",
    of.CATEGORY_WORD: "x0",
    of.CATEGORY_SPACE: " ",
    of.CATEGORY_NOT_DIGIT: "x",
    of.CATEGORY_NOT_WORD: "-",
    of.CATEGORY_NOT_SPACE: "x",
}


@lru_cache(1000)
def values(pattern: str) -> tuple[str, ...]:
    """Of a pattern that Python reads too."""
    return tuple(dict.fromkeys(islice(_texts(_parser.parse(pattern)), MOST)))


def _texts(parts: Iterable[Any]) -> Iterator[str]:
    each = (dict.fromkeys(islice(_of(op, argument), OF_EACH)) for op, argument in parts)
    return map("".join, product(*each))


def _of(op: Any, argument: Any) -> Iterator[str]:
    """What one part of a pattern may match."""
    match op:
        case of.LITERAL:
            yield chr(argument)
        case of.ANY:
            yield from _ANY
        case of.NOT_LITERAL:
            yield from _NOT_THESE
        case of.IN if argument[0][0] is of.NEGATE:
            yield from _NOT_THESE
        case of.IN:
            for one in argument:
                yield from _of(*one)
        case of.RANGE:
            yield from map(chr, argument)
        case of.CATEGORY:
            yield from _CATEGORIES[argument]
        case of.BRANCH:
            for branch in argument[1]:
                yield from _texts(branch)
        case of.SUBPATTERN:
            yield from _texts(argument[-1])
        case of.MAX_REPEAT | of.MIN_REPEAT:
            yield from _repeated(*argument)
        case _:  # its beginning and its end
            yield ""


def _repeated(least: int, most: int, parts: Any) -> Iterator[str]:
    """As often as it must be, or once; and not at all, where it need not be."""
    if [op for op, _ in parts] == [of.ANY] and least <= 1 < most:
        yield "x"
    yield from (text * max(least, 1) for text in _texts(parts))
    if not least:
        yield ""
