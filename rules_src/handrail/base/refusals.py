"""pydantic's errors in one declaration → problems in plain words, each with its line and a cure."""

from __future__ import annotations

import difflib
import json
import types
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from handrail.base.places import PathStep, Place
from handrail.errors import Problem, Severity, Where

_OWN = {
    "missing",
    "missing_argument",
    "unexpected_keyword_argument",
    "unexpected_positional_argument",
    "multiple_argument_values",
    "value_error",
    "string_pattern_mismatch",
    "string_too_long",
    "literal_error",
    "greater_than",
    "greater_than_equal",
    "less_than",
    "less_than_equal",
    "finite_number",
    "too_short",
}
"""Errors that say more than "wrong type"."""


def refusals(
    cls: type,
    error: ValidationError,
    place: Place | None,
    ignored: Callable[[object], bool],
    keywords: Collection[str],
) -> list[Problem]:
    """One problem for each wrong argument of the `cls` declared at `place` with these `keywords`.

    A value is skipped if `ignored` says that a problem was noted for it already.
    """
    groups: dict[tuple[PathStep, ...], list[ErrorDetails]] = {}
    for item in error.errors(include_url=False):
        if item["type"] == "unexpected_keyword_argument" or not ignored(item["input"]):
            groups.setdefault(_element(item["loc"]), []).append(item)
    problems: dict[tuple[Where, str, str], Problem] = {}
    for element, items in groups.items():
        # A union complains once for each of its members: what says more than "wrong kind" is the one meant.
        for item in [item for item in items if _says_more(item)] or items[:1]:
            path = tuple(step for step in item["loc"] if step != "[key]")
            where = place.where(*(path if path[: len(element)] == element else element)) if place else Where()
            what, cure = _said(cls, element, item, keywords)
            problems.setdefault((where, what, cure), Problem(where, Severity.error, what, cure))
    return list(problems.values())


def _says_more(item: ErrorDetails) -> bool:
    """Whether the error is specific. A field missing in a dict is not: that the dict stands for this class is a guess."""
    guessed = item["type"].startswith("missing") and len(item["loc"]) > 1
    return item["type"] in _OWN and not guessed


def no_dict(cls: type, element: tuple[PathStep, ...], place: Place | None) -> Problem:
    """The problem of a dict in place of a declaration."""
    what = f"{cls.__name__}({_field(cls, element[0])}): a dict does not go here"
    where = place.where(*element, position=_position(cls, element[0])) if place else Where()
    return Problem(where, Severity.error, what, f"write {_expected(cls, element)}")


def _position(cls: type, field: PathStep) -> int | None:
    positional = [known.name for known in _fields(cls) if not known.kw_only]
    return positional.index(str(field)) if field in positional else None


def _element(loc: tuple[PathStep, ...]) -> tuple[PathStep, ...]:
    """The argument, and the index in it if it is a list."""
    return loc[:2] if len(loc) > 1 and isinstance(loc[1], int) else loc[:1]


def _said(
    cls: type, element: tuple[PathStep, ...], item: ErrorDetails, keywords: Collection[str]
) -> tuple[str, str]:
    name, value, kind = cls.__name__, item["input"], item["type"]
    field = _field(cls, element[0]) if element else ""
    at = f"{name}({field})" if field else name
    limits: Mapping[str, Any] = item.get("ctx", {})
    match kind:
        case "missing" | "missing_argument":
            return f"{name} needs {field}", f"add {field}= with {_expected(cls, element)}"
        case "unexpected_keyword_argument":
            new = getattr(cls, "renamed", {}).get(field)
            if new is not None:
                cure = f"remove `{field}=`" if new in keywords else f"write {new}={_copyable(value)}"
                return f"`{field}=` of {name} is now `{new}=`", cure
            return f"{name} has no field '{field}'", _instead(str(field), list(_names(cls)))
        case "unexpected_positional_argument":
            return f"{name} takes {_count(cls)} by position", f"name it: {', '.join(_keywords(cls))}"
        case "multiple_argument_values":
            return f"{at} is given twice", "remove one"
        case "value_error":
            what, _, cure = item["msg"].removeprefix("Value error, ").partition("; ")
            return f"{at}: {what}", cure or f"write {_expected(cls, element)}"
        case "literal_error":
            return f"{at}: there is no {_shown(value)}", _instead(value, _words(limits["expected"]))
        case "too_short":
            return f"{at} is empty", f"write {_expected(cls, element)}"
        case "string_too_long":
            return f"{at} is longer than {limits['max_length']} characters", "shorten it"
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            return f"{at}: {_shown(value)} is out of range", f"write a number {_bound(kind, limits)}"
        case "string_pattern_mismatch":
            return f"{at}: {_shown(value)} does not fit", f"write {_expected(cls, element)}"
        case _ if isinstance(value, type):
            return f"{at}: {value.__name__} is a class", f"write {value.__name__}()"
        case _:
            return f"{at}: {_shown(value)} does not go here", f"write {_expected(cls, element)}"


def _bound(kind: str, limits: Mapping[str, Any]) -> str:
    words = {
        "greater_than": ("above", "gt"),
        "greater_than_equal": ("of at least", "ge"),
        "less_than": ("below", "lt"),
        "less_than_equal": ("of at most", "le"),
    }
    word, key = words[kind]
    return f"{word} {limits[key]:g}"


def _instead(value: object, known: list[str]) -> str:
    near = difflib.get_close_matches(str(value), known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(known)}"


def _words(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").replace("'", "").split(", ")


def _shown(value: object) -> str:
    if is_dataclass(value) and not isinstance(value, type):
        return f"{type(value).__name__}(…)"
    if isinstance(value, Mapping):
        return "a dict"
    if isinstance(value, list | tuple | set):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…{text[0]}"


def _copyable(value: object) -> str:
    """The value as it may be typed; of one that is long or made by a call, an ellipsis in its place."""
    if isinstance(value, str):
        typed = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, int | float):
        typed = repr(value)
    elif isinstance(value, list | tuple):
        typed = f"[{', '.join(map(_copyable, value))}]"
    else:
        typed = "…"
    return typed if len(typed) <= 60 else ("[…]" if typed[0] == "[" else "…")


def _fields(cls: type) -> Iterator[Any]:
    return (field for field in fields(cls) if field.name != "kind")


def _names(cls: type) -> Iterator[str]:
    return (field.name for field in _fields(cls))


def _keywords(cls: type) -> list[str]:
    return [f"{field.name}=" for field in _fields(cls) if field.kw_only]


def _count(cls: type) -> str:
    positional = [field.name for field in _fields(cls) if not field.kw_only]
    return f"only {' and '.join(positional)}" if positional else "nothing"


def _field(cls: type, step: PathStep) -> str:
    if isinstance(step, str):
        return step
    positional = [field.name for field in _fields(cls) if not field.kw_only]
    return positional[step] if step < len(positional) else str(step)


def _expected(cls: type, element: tuple[PathStep, ...]) -> str:
    """What to write in a field, or in one place of its list."""
    if not element:
        return "what `handrail docs declarations` says"
    hint = get_type_hints(cls, include_extras=True).get(_field(cls, element[0]), object)
    if len(element) > 1:
        members = [get_args(member)[0] for member in _members(hint) if _is_list(member)]
        hint = members[0] if members else hint
    default = cls.__pydantic_fields__.get(_field(cls, element[0]), MISSING)  # type: ignore[attr-defined]
    described = default.description if isinstance(default, FieldInfo) and len(element) == 1 else None
    return described or expected(hint)


def expected(hint: Any) -> str:
    """What to write for a type, in words."""
    members = [member for member in _members(hint) if member is not types.NoneType]
    if len(members) > 1:
        words = list(dict.fromkeys(map(expected, members)))
        return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
    hint = members[0]
    if get_origin(hint) is Annotated:
        described = [m.description for m in hint.__metadata__ if isinstance(m, FieldInfo) and m.description]
        return described[-1] if described else expected(get_args(hint)[0])
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    if _is_list(hint):
        item = expected(get_args(hint)[0])
        return f"a list of {_PLURALS.get(item, item)}"
    if get_origin(hint) is not None and issubclass(get_origin(hint), Mapping):
        key, value = map(expected, get_args(hint))
        return f"a dict {{{key}: {value}, …}}"
    if isinstance(hint, type) and is_dataclass(hint):
        return f"{hint.__name__}(…)"
    return _PLAIN.get(hint, "what `handrail docs declarations` says")


_PLAIN = {str: "a text in quotes", int: "a whole number", float: "a number", bool: "True or False"}
_PLURALS = {
    "a text in quotes": "texts in quotes",
    "a number": "numbers",
    "a duration like 5m": "durations like 5m",
}


def _members(hint: Any) -> list[Any]:
    inner = hint
    if get_origin(hint) is Annotated and get_origin(get_args(hint)[0]) in (Union, types.UnionType):
        if any(isinstance(m, FieldInfo) and m.description for m in hint.__metadata__):
            return [hint]
        inner = get_args(hint)[0]
    return list(get_args(inner)) if get_origin(inner) in (Union, types.UnionType) else [inner]


def _is_list(hint: Any) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Sequence)
