"""A call in a declaration file → the line of the call, or of one of its arguments.

Noting a place is cheap; the file is parsed only when a line is asked for.
"""

from __future__ import annotations

import ast
import linecache
import sys
from types import CodeType, FrameType

from handrail.errors import Where

Span = tuple[int | None, int | None, int | None, int | None]
PathStep = str | int
"""One step into a call: a field's name or an argument's position, then an index of a list or a key of a dict."""

_MACHINERY = frozenset({"pydantic", "handrail", "functools", "dataclasses"})

_read: set[str] = set()
_calls: dict[str, dict[Span, ast.Call]] = {}
_spans: dict[int, tuple[CodeType, list[Span]]] = {}


def remember(file: str, text: str) -> None:
    """Note that the code of `file` was compiled from `text`; forgets its former text."""
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    _read.add(file)
    _calls.pop(file, None)
    _spans.clear()


def is_known(file: str) -> bool:
    """Whether `file` is a declaration file that was read."""
    return file in _read


class Place:
    """A call in a source file."""

    __slots__ = ("code", "instruction")

    def __init__(self, frame: FrameType) -> None:
        self.code, self.instruction = frame.f_code, frame.f_lasti // 2

    def where(self, *path: PathStep, position: int | None = None) -> Where:
        """The call's line; with a path, the line of that argument or of the item in it, as far as the source shows.

        An argument without a keyword is looked for at `position`.
        """
        file = self.code.co_filename
        span = _spans_of(self.code)[self.instruction]
        call = _calls_of(file).get(span) if path else None
        node = _argument(call, path[0]) if call is not None else None
        if node is None and call is not None and position is not None:
            node = _argument(call, position)
        if node is None:
            return Where(file, span[0] or self.code.co_firstlineno)
        for step in path[1:]:
            node = _inside(node, step) or node
        return Where(file, node.lineno)


def declaring_place() -> Place | None:
    """The nearest call outside of pydantic, the standard library and Handrail: the user's declaration."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  the one way to learn who called
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _MACHINERY:
        frame = frame.f_back
    return Place(frame) if frame is not None else None


def _spans_of(code: CodeType) -> list[Span]:
    known = _spans.get(id(code))
    if known is None or known[0] is not code:
        known = _spans[id(code)] = (code, list(code.co_positions()))
    return known[1]


def _calls_of(file: str) -> dict[Span, ast.Call]:
    if file not in _calls:
        _calls[file] = {
            (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset): node
            for node in ast.walk(_parsed(file))
            if isinstance(node, ast.Call)
        }
    return _calls[file]


def _parsed(file: str) -> ast.Module:
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _argument(call: ast.Call, step: PathStep) -> ast.expr | None:
    if isinstance(step, int):
        before = call.args[: step + 1]
        starred = any(isinstance(argument, ast.Starred) for argument in before)
        return None if starred or len(before) <= step else call.args[step]
    return next((keyword.value for keyword in call.keywords if keyword.arg == step), None)


def _inside(node: ast.expr, step: PathStep) -> ast.expr | None:
    if isinstance(node, ast.List | ast.Tuple) and isinstance(step, int):
        known = step < len(node.elts) and not any(isinstance(e, ast.Starred) for e in node.elts[: step + 1])
        return node.elts[step] if known else None
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == step:
                return value
    return None
