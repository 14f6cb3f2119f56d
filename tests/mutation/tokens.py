"""A PromQL text → its words, each with its kind: the part of PromQL that the compiler writes."""

from __future__ import annotations

import re
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Token:
    """A word of the text and what kind it is."""

    kind: str
    text: str


def tokens(expr: str) -> list[Token]:
    """All of them, spaces too. Raises ValueError where it does not know one."""
    found = [Token(str(match.lastgroup), match[0]) for match in _TOKENS.finditer(expr)]
    if "".join(token.text for token in found) != expr:
        raise ValueError(f"the lexer does not know all of: {expr}")
    return found
