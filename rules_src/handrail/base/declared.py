"""A class body → a frozen, validated, positional declaration that remembers where it was written.

Every word of a declaration (`Rollout`, `Ratio`, `HAProxyWeight`, …) is made with `@declared`. While the loader's
`Reading` is active, a declaration that does not validate raises nothing. It is noted with file and line of the wrong
argument and marked as broken, so that one run shows everything that is wrong, and nothing twice. Every declaration that
is made is listed there too: it counts whatever name it has, or none.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, dataclass_transform

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass as validated

from handrail.base.places import PathStep, Place, declaring_place
from handrail.errors import Problem, Where

T = TypeVar("T")


@dataclass(frozen=True)
class Made:
    """A declaration, and the files that were running when it was made, by their paths below the source."""

    thing: object
    scripts: tuple[str, ...]


@dataclass(eq=False)
class Reading:
    """One reading of a source folder: problems so far, files that are running, and declarations that were made.

    `counted` are the kinds of declarations that are listed. `ran` are the files that were run, with their shown names.
    """

    problems: list[Problem]
    counted: tuple[type, ...]
    scripts: list[str] = field(default_factory=list)
    ran: dict[Path, str] = field(default_factory=dict)
    made: list[Made] = field(default_factory=list)

    def note(self, thing: object) -> None:
        """List `thing` if its kind is counted."""
        if isinstance(thing, self.counted):
            self.made.append(Made(thing, tuple(self.scripts)))

    def sign(self) -> None:
        """Store in every declaration which file made it."""
        for one in self.made:
            object.__setattr__(one.thing, "_script", one.scripts[-1] if one.scripts else "")


_readings: list[Reading] = []
"""The readings under way, the last one active: for all threads, because a declaration may be made in any."""


@contextmanager
def active(reading: Reading) -> Iterator[Reading]:
    """While this lasts, declarations go into `reading`."""
    _readings.append(reading)
    try:
        yield reading
    finally:
        _readings.remove(reading)
        reading.sign()


class Stumbled(TypeError):
    """A stand-in was asked for something that only the real object has. Why there is a stand-in was noted already."""


_MARK = "\ufdd0what was refused\ufdd1"
"""Noncharacters: no text of a user's has them."""


class Broken:
    """A stand-in for an unknown word: accepts any use, so that the rest of the file can be read."""

    def __call__(self, *_: object, **__: object) -> Broken:
        return self

    def __getattr__(self, name: str) -> Broken:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __iter__(self) -> Iterator[Broken]:
        return iter((self,))

    def __str__(self) -> str:
        return _MARK

    def _itself(self, *_: object) -> Broken:
        return self

    def _stumble(self, *_: object) -> Any:
        raise Stumbled

    __index__ = __int__ = __float__ = __len__ = __contains__ = __fspath__ = __bytes__ = _stumble
    __round__ = __complex__ = _stumble
    __getitem__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = _itself
    __rtruediv__ = __mod__ = __rmod__ = __or__ = __ror__ = __and__ = __rand__ = __neg__ = _itself
    __lt__ = __le__ = __gt__ = __ge__ = _itself


@dataclass_transform(frozen_default=True, field_specifiers=(Field,))
def declared(cls: type[T]) -> type[T]:
    """Make `cls` a frozen pydantic dataclass that refuses unknown fields and knows its `Where`.

    A field that was renamed is listed in `renamed: ClassVar = {"old": "new"}`: the old name is refused, and the new one
    said. Raises pydantic's ValidationError when nothing is being read, with each refusal in words as a note.
    """
    made: Any = validated(cls, frozen=True, config=ConfigDict(extra="forbid", arbitrary_types_allowed=True))
    validate = made.__init__

    @functools.wraps(validate)
    def collect(self: Any, *args: Any, **kwargs: Any) -> None:
        place = declaring_place()
        reading = _readings[-1] if _readings else None
        problems = reading.problems if reading is not None else None
        damaged = bool(problems) and (is_broken(args) or is_broken(kwargs))
        if damaged:
            kwargs = {field: _without_unknown(value) for field, value in kwargs.items()}
        try:
            validate(self, *args, **kwargs)
        except ValidationError as error:
            from handrail.base.refusals import refusals  # noqa: PLC0415  only where something is wrong

            refused = refusals(type(self), error, place, is_broken, kwargs)
            if problems is None:
                for problem in refused:
                    error.add_note(f"{problem.what}; {problem.cure}")
                raise
            problems.extend(refused)
            damaged = True
        except Exception:
            object.__setattr__(self, "broken", True)
            if not damaged:  # else a check of its parts stumbled over one that is broken, which was noted
                raise
        else:
            damaged = _guessed(self, args, kwargs, place, problems) or damaged
        if damaged:
            object.__setattr__(self, "broken", True)
        if place is not None:
            object.__setattr__(self, "_place", place)

    def create(kind: type[T], /, *_: object, **__: object) -> T:
        """Whatever makes one comes here: a call, a copy, pydantic itself."""
        thing = object.__new__(kind)
        if _readings:
            _readings[-1].note(thing)
        return thing

    made.__new__ = create
    made.__init__ = collect
    made.__getattr__ = _missing
    return made  # type: ignore[no-any-return]


def _guessed(
    made: object, args: tuple[object, ...], kwargs: Mapping[str, object], place: Place | None, problems: Any
) -> bool:
    """Whether pydantic made a declaration out of a dict, which may not be the one that was meant. Each is noted."""
    if problems is None:
        return False
    positional = [field.name for field in fields(made) if not field.kw_only]  # type: ignore[arg-type]
    written = (*zip(positional, args, strict=False), *kwargs.items())
    guesses = [
        element for field, value in written for element in _from_dicts(field, value, getattr(made, field))
    ]
    if guesses:
        from handrail.base.refusals import no_dict  # noqa: PLC0415  only where something is wrong

        problems.extend(no_dict(type(made), element, place) for element in guesses)
    return bool(guesses)


def _from_dicts(field: str, written: object, made: object) -> Iterator[tuple[PathStep, ...]]:
    if isinstance(written, dict):
        if not isinstance(made, Mapping):
            yield (field,)
    elif isinstance(written, list | tuple) and isinstance(made, list | tuple):
        for index, (one, other) in enumerate(zip(written, made, strict=False)):
            if isinstance(one, dict) and not isinstance(other, Mapping):
                yield (field, index)


def _missing(self: object, name: str) -> Broken:
    """A declaration that did not validate has no fields: each is a stand-in."""
    if name.startswith("_") or "broken" not in vars(self):
        raise AttributeError(f"'{type(self).__name__}' has no '{name}'")
    return Broken()


def _without_unknown(value: object) -> object:
    if not isinstance(value, list | tuple):
        return value
    return [one for one in value if not isinstance(one, Broken)] or value


def where_of(declaration: object, *path: PathStep) -> Where:
    """Where `declaration` was written; with a path, the line of that field or of an item in it."""
    place: Place | None = getattr(declaration, "_place", None)
    if place is None:
        return Where()
    return place.where(*path, position=_position(type(declaration), path[0]) if path else None)


def script_of(declaration: object) -> str:
    """The file that made `declaration`, by its path below the source folder."""
    script: str | None = getattr(declaration, "_script", None)
    return where_of(declaration).file if script is None else script


def _position(cls: type, field: PathStep) -> int | None:
    positional = [known.name for known in fields(cls) if not known.kw_only] if is_dataclass(cls) else []
    return positional.index(field) if field in positional else None


def is_broken(declaration: object) -> bool:
    """Whether this declaration, or anything inside it, did not validate."""
    if isinstance(declaration, str):
        return _MARK in declaration
    if isinstance(declaration, Broken):
        return True
    if isinstance(declaration, Mapping):
        return any(map(is_broken, declaration.values()))
    if isinstance(declaration, list | tuple | set):
        return any(map(is_broken, declaration))
    return getattr(declaration, "broken", False) is True
