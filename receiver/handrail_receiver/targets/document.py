"""A YAML or JSON text and a place in it → the scalar there as it is written, or the same text with another one there.

Only the scalar's own characters change: comments, order, quotes and indentation elsewhere stay as they are. The text
is read event by event: an alias is never followed, so that what aliases stand for takes neither time nor memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import yaml
from handrail.contract import Scalar, Written

from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.targets.scalars import says, written_as

Place = tuple[str, ...]
DEEPEST = 100
BOM = "\ufeff"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Starts = yaml.MappingStartEvent | yaml.SequenceStartEvent


def value_at(text: str, key: str) -> Written:
    """The scalar at the dotted `key`; raises Permanent when there is none or when it is not a single value."""
    spot = _spot(text, key)
    return Written(text[spot.start : spot.end].removesuffix("\n"))


def with_value(text: str, key: str, value: Scalar | Written) -> str:
    """`text` with `value` at `key`; raises Permanent rather than change anything else."""
    spot = _spot(text, key)
    before = " " if spot.start == spot.end else ""  # `key:` with nothing behind it
    after = (
        "\n" if text[spot.start : spot.end].endswith("\n") else ""
    )  # a block (`|`, `>`) has its last line's end
    for words in written_as(value, style=spot.style, quoted=spot.in_json):
        changed = f"{text[: spot.start]}{before}{words}{after}{text[spot.end :]}"
        if _differ_only_at(text, changed, key) and says(value_at(changed, key), value):
            return changed
    raise Permanent(
        Cause.invalid, f"{key} cannot take this value and leave all else as it is; write it plainly"
    )


@dataclass(frozen=True)
class _DocumentNode:
    """An event, the place it stands at (None: it is a key, an end, or not in the document), and what holds it.

    `anchors` are those of all that it is in; `in_json` says that the whole document is between brackets.
    """

    place: Place | None
    event: yaml.Event
    anchors: tuple[str, ...] = ()
    in_json: bool = False


@dataclass(frozen=True)
class _Spot:
    """Where a scalar is written: from `start` to `end` in the text, and its quotes (`'`, `"`, `|`, `>` or none)."""

    start: int
    end: int
    style: str
    in_json: bool


def _spot(text: str, key: str) -> _Spot:
    wanted, near, path, aliased = _parts(key), 0, list[_DocumentNode](), set[str]()
    for node in _nodes(text):
        if isinstance(node.event, yaml.AliasEvent):
            aliased.add(node.event.anchor or "")
        if node.place == wanted:
            path.append(node)
        elif node.place is not None and node.place == wanted[: len(node.place)]:
            near = max(near, len(node.place))
    if not path:
        known = ".".join(wanted[:near]) or "other names at the top"
        raise Permanent(Cause.missing, f"there is no {key}, only {known}; correct the key")
    if len(path) > 1:
        raise Permanent(Cause.invalid, f"{key} is there {len(path)} times; leave one of them")
    return _plain_spot(key, path[0], aliased, skipped=text.startswith(BOM))


def _plain_spot(key: str, node: _DocumentNode, aliased: set[str], *, skipped: int) -> _Spot:
    """`skipped` is how many characters the parser has not counted."""
    event = node.event
    if isinstance(event, _Starts):
        raise Permanent(Cause.invalid, f"{key} is not a single value; give the place inside it")
    shared = aliased & set(node.anchors)
    if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag or shared:
        raise Permanent(
            Cause.invalid,
            f"{key} cannot be changed without changing more (an anchor, an alias or a tag); write it plainly",
        )
    start, end = (mark.index + skipped for mark in (event.start_mark, event.end_mark) if mark is not None)
    return _Spot(start, end, event.style or "", node.in_json)


def _nodes(text: str) -> Iterator[_DocumentNode]:
    """Every event of the one document in `text`, in order."""
    try:
        yield from _placed(yaml.parse(text.removeprefix(BOM), Loader=_Loader))
    except yaml.YAMLError as error:
        raise _not_one(_line(getattr(error, "problem_mark", None))) from None


def _line(mark: Any) -> str:
    return f" (line {mark.line + 1})" if mark else ""


def _not_one(where: str) -> Permanent:
    return Permanent(Cause.invalid, f"the file is not one YAML document{where}; give another path")


class _Frame:
    """A mapping or a list that is being read: the name, or the number, of what comes next in it."""

    def __init__(self, event: _Starts, place: Place | None) -> None:
        self.anchor = event.anchor or ""
        self._place = place
        self._number = -1
        self._is_map = isinstance(event, yaml.MappingStartEvent)
        self._name: str | None = None
        self._awaits_key = self._is_map

    def next(self, event: yaml.Event) -> Place | None:
        """The place of the next event in it; None for a key."""
        if self._is_map:
            if self._awaits_key:
                self._awaits_key = False
                self._name = event.value if isinstance(event, yaml.ScalarEvent) else None
                return None
            self._awaits_key = True
            return None if self._place is None or self._name is None else (*self._place, self._name)
        self._number += 1
        return None if self._place is None else (*self._place, str(self._number))


def _placed(events: Iterator[yaml.Event]) -> Iterator[_DocumentNode]:
    frames: list[_Frame] = []
    documents, in_json = 0, False
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _not_one(_line(event.start_mark))
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            frames.pop()
        if not isinstance(event, yaml.NodeEvent):
            yield _DocumentNode(None, event)
            continue
        place = frames[-1].next(event) if frames else ()
        anchors = tuple(frame.anchor for frame in frames if frame.anchor)
        if isinstance(event, _Starts):
            in_json = in_json or (not frames and bool(event.flow_style))
            frames.append(_Frame(event, place))
            if len(frames) > DEEPEST:
                raise Permanent(
                    Cause.invalid, f"the file is nested deeper than {DEEPEST} levels; give another path"
                )
        yield _DocumentNode(place, event, anchors, in_json)


def _differ_only_at(text: str, changed: str, key: str) -> bool:
    """Whether the two texts say the same, written in the same way, but at one place."""
    place = _parts(key)
    try:
        return all(
            was is not None
            and now is not None
            and was.place == now.place
            and (was.place == place or _said(was.event) == _said(now.event))
            for was, now in zip_longest(_nodes(text), _nodes(changed))
        )
    except Permanent:
        return False


def _said(event: yaml.Event) -> tuple[object, ...]:
    """What an event says, without where it stands."""
    told = ("anchor", "tag", "implicit", "value", "style", "flow_style")
    return type(event), *(getattr(event, name, None) for name in told)


def _parts(key: str) -> Place:
    """`a.b\\.c.0` → `a`, `b.c`, `0`."""
    return tuple(part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", key))
