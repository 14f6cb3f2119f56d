"""A keyword's old name in a declaration → its new one, and what to say about it.

A class that renamed a field lists it: `renamed: ClassVar = (Renamed("hold", "sustained", of="a tier"),)`. The old name
is read as the new one until version 1.0, with a warning at its file and line.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from handrail.base.places import Place
from handrail.errors import Problem, Severity, Where


@dataclass(frozen=True)
class Renamed:
    """A field that was called `old` and is called `new`; `of` says for people whose field it is."""

    old: str
    new: str
    of: str


def in_new_words(cls: type, kwargs: dict[str, Any], place: Place | None) -> Iterator[Problem]:
    """Give what `kwargs` has under an old name its new one; a problem for each. Both names at once are an error."""
    known: tuple[Renamed, ...] = getattr(cls, "renamed", ())
    for word in known:
        if word.old not in kwargs:
            continue
        value, both = kwargs.pop(word.old), word.new in kwargs
        where = place.where(word.old) if place else Where()
        if both:
            what = (
                f"{cls.__name__} has `{word.old}=` and `{word.new}=`, the old and the new name of one thing"
            )
            yield Problem(where, Severity.error, what, f"write `{word.new}=` alone")
        else:
            kwargs[word.new] = value
            if place is not None:
                place.old_names = {**place.old_names, word.new: word.old}
            what = f"`{word.old}=` of {word.of} is now `{word.new}=`"
            yield Problem(where, Severity.warning, what, "the old word goes with version 1.0")


def tell(problems: list[Problem]) -> None:
    """Say it where no source folder is read: as Python says such things."""
    for problem in problems:
        if problem.severity >= Severity.error:
            raise TypeError(f"{problem.what}; {problem.cure}")
        warnings.warn(f"{problem.what}; {problem.cure}", DeprecationWarning, stacklevel=3)
