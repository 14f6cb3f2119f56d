"""A declared rollout → the same one for a test: its stages take seconds, and what it calls is on loopback.

The environment's `faster` divides every duration alike, so a window of 5 min becomes 5 s where a scrape becomes 250 ms.
Stages of a day would still take 24 min: what a stage lasts, and what is timed within it, is divided once more here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

from handrail.declare import Check, Gate, LoadBurst, Rollout, Stage
from handrail.loading.overrides import changed
from handrail.units import duration, span

T = TypeVar("T")
Change = Callable[[object, str, str], str]
"""The declaration that has a text, the field it is in, and the text → another text."""

TIMES: Mapping[type, frozenset[str]] = {
    Stage: frozenset({"bake", "warm_up", "prolong", "deadline"}),
    Gate: frozenset({"stable_for"}),
    Check: frozenset({"at"}),
    LoadBurst: frozenset({"at"}),
}
"""What is counted from when a stage was entered."""


def shorter(rollout: Rollout, by: int) -> Rollout:
    """The same rollout with stages so many times shorter; all else lasts as long as it did."""

    def short(owner: object, field: str, text: str) -> str:
        if field not in TIMES.get(type(owner), ()):
            return text
        return span(timedelta(milliseconds=round(duration(text) / timedelta(milliseconds=by))))

    return _mapped(rollout, short)


def moved(rollout: Rollout, places: Mapping[str, str]) -> Rollout:
    """The same rollout with other addresses, which are given by the beginnings of those declared."""

    def here(_owner: object, _field: str, text: str) -> str:
        found = (place for place in places if text.startswith(place))
        return next((places[place] + text.removeprefix(place) for place in found), text)

    return _mapped(rollout, here)


def _mapped(thing: T, change: Change, owner: object = None, field: str = "") -> T:
    made: Any = thing
    match thing:
        case str():
            made = change(owner, field, thing)
        case Mapping():
            made = {key: _mapped(value, change, owner, field) for key, value in thing.items()}
        case list() | tuple():
            made = type(thing)(_mapped(one, change, owner, field) for one in cast("Sequence[object]", thing))
        case _ if is_dataclass(thing) and not isinstance(thing, type):
            values = {one.name: getattr(thing, one.name) for one in fields(thing)}
            news = {name: _mapped(value, change, thing, name) for name, value in values.items()}
            made = changed(thing, {name: new for name, new in news.items() if new != values[name]})
    return cast("T", made)
