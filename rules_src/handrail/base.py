"""A class body → a frozen, validated, positional declaration that remembers where it was written.

Every word of a declaration (`Rollout`, `Ratio`, `HAProxyWeight`, …) is made with `@declared`. While a
`Collector` is active (the loader's), a declaration that does not validate is not raised but noted, with
file and line of the offending argument, and a broken stand-in takes its place: so that one run shows
everything that is wrong.
"""

from __future__ import annotations

import ast
import functools
import linecache
import sys
from contextvars import ContextVar
from itertools import islice
from types import FrameType
from typing import Any, TypeVar, dataclass_transform

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from handrail.errors import Problem, Severity, Where

T = TypeVar("T")

collector: ContextVar[list[Problem] | None] = ContextVar("collector", default=None)


class Broken:
    """What stands where a declaration did not validate; accepted anywhere, so that the rest is still read."""

    def __call__(self, *_: object, **__: object) -> Broken:
        return self

    def __getattr__(self, name: str) -> Broken:
        if name.startswith("__"):
            raise AttributeError(name)
        return self


@dataclass_transform(frozen_default=True, field_specifiers=(Field,))
def declared(cls: type[T]) -> type[T]:
    """Make `cls` a frozen pydantic dataclass that refuses unknown fields and knows its `Where`.

    Raises pydantic's ValidationError when no collector is active.
    """
    made = dataclass(cls, frozen=True, config=ConfigDict(extra="forbid", arbitrary_types_allowed=True))
    validate = made.__init__

    @functools.wraps(validate)
    def collect(self: Any, *args: Any, **kwargs: Any) -> None:
        frame = _declaring_frame()
        problems = collector.get()
        try:
            validate(self, *args, **kwargs)
        except ValidationError as error:
            if problems is None:
                raise
            problems.extend(_problems(made.__name__, error, frame))
            object.__setattr__(self, "broken", True)
        if frame is not None:
            object.__setattr__(self, "_place", _Place(frame))

    made.__init__ = collect  # type: ignore[method-assign]
    return made  # type: ignore[return-value]


def where_of(declaration: object, field: str | None = None) -> Where:
    """Where `declaration` was written, or the argument `field` of it when the source still shows it."""
    place: _Place | None = getattr(declaration, "_place", None)
    return place.of_argument(field) if place else Where()


def is_broken(declaration: object) -> bool:
    """Whether this declaration, or anything inside it, did not validate."""
    if isinstance(declaration, Broken) or getattr(declaration, "broken", False):
        return True
    if isinstance(declaration, dict):
        return any(map(is_broken, declaration.values()))
    return isinstance(declaration, list | tuple) and any(map(is_broken, declaration))


class _Place:
    """A call in a source file, cheap to note and looked up only when somebody asks for its line."""

    __slots__ = ("code", "instruction")

    def __init__(self, frame: FrameType) -> None:
        self.code, self.instruction = frame.f_code, frame.f_lasti // 2

    def of_argument(self, field: str | None) -> Where:
        line, _, column, _ = next(islice(self.code.co_positions(), self.instruction, None), (0, 0, 0, 0))
        file = self.code.co_filename
        call = _calls(file).get((line or 0, column or 0))
        if call is not None and field is not None:
            for keyword in call.keywords:
                if keyword.arg == field:
                    return Where(file, keyword.value.lineno)
            if field.isdigit() and int(field) < len(call.args):
                return Where(file, call.args[int(field)].lineno)
        return Where(file, line or self.code.co_firstlineno)


@functools.cache
def _calls(file: str) -> dict[tuple[int, int], ast.Call]:
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return {}
    return {(node.lineno, node.col_offset): node for node in ast.walk(tree) if isinstance(node, ast.Call)}


def _declaring_frame() -> FrameType | None:
    """The nearest frame that is not pydantic's, functools' or ours: the user's declaration."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  the one way to learn who called
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _MACHINERY:
        frame = frame.f_back
    return frame


_MACHINERY = {"pydantic", "handrail", "functools", "dataclasses"}


def _problems(name: str, error: ValidationError, frame: FrameType | None) -> list[Problem]:
    found: dict[str | None, Problem] = {}
    for item in error.errors(include_url=False):
        if is_broken(item["input"]) and item["type"] != "unexpected_keyword_argument":
            continue  # reported where it was made
        field = str(item["loc"][0]) if item["loc"] else None
        where = _Place(frame).of_argument(field) if frame else Where()
        what, _, cure = item["msg"].removeprefix("Value error, ").partition("; ")
        named = f"{name}({field})" if field else name
        # A union reports one error for each of its members: the first one at an argument says enough.
        found.setdefault(
            field, Problem(where, Severity.error, f"{named}: {what}", cure or _cure(item["type"]))
        )
    return list(found.values())


def _cure(kind: str) -> str:
    return {
        "unexpected_keyword_argument": "remove it or correct its spelling",
        "missing": "add it",
        "missing_argument": "add it",
        "missing_positional_only_argument": "add it",
    }.get(kind, "see docs/declarations.md for what goes here")
