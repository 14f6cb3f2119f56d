"""Lines of a file in which our parts are marked → the lines without them, and the marks of a new one.

A part stands between two comments that name the environment; the first one has a digest of what is between them, so that
what somebody else wrote there is noticed and never lost.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

_BEGIN = re.compile(r"\s*# handrail/([a-z0-9-]+): begin\b(?: ([0-9a-f]{12}))?")
_END = re.compile(r"\s*# handrail/([a-z0-9-]+): end\b")


class Damaged(Exception):
    """A part that is not as we wrote it: on which line it begins, what is wrong, what to do."""

    def __init__(self, line: int, what: str, cure: str) -> None:
        super().__init__(what)
        self.line, self.what, self.cure = line, what, cure


@dataclass(frozen=True)
class Part:
    """Lines `first` to `last` of a file, counted from 0, marks included; `environment` is whose."""

    environment: str
    first: int
    last: int


def marked(environment: str, lines: Sequence[str], indent: int) -> list[str]:
    """`lines` with that much before each, between the marks."""
    inside = [f"{' ' * indent}{line}" if line else line for line in lines]
    begin = f"# handrail/{environment}: begin {_digest(lines)}; `handrail merge alertmanager` keeps these lines, do not edit"
    return [f"{' ' * indent}{begin}", *inside, f"{' ' * indent}# handrail/{environment}: end"]


def parts_in(lines: Sequence[str]) -> list[Part]:
    """Every marked part, from the top. Raises Damaged for one that is not as it was written."""
    parts: list[Part] = []
    open_at: int | None = None
    whose = ""
    for number, line in enumerate(lines):
        begins, ends = _BEGIN.match(line), _END.match(line)
        if begins and open_at is not None:
            raise Damaged(open_at + 1, *_UNPAIRED)
        if begins:
            open_at, whose = number, begins[1]
        elif ends:
            if open_at is None or ends[1] != whose:
                raise Damaged(number + 1, *_UNPAIRED)
            parts.append(_checked(lines, Part(whose, open_at, number)))
            open_at = None
    if open_at is not None:
        raise Damaged(open_at + 1, *_UNPAIRED)
    return parts


_UNPAIRED = (
    "this mark of Handrail's has lost its other half",
    "restore the file from Git, or remove what stands between the marks, and the marks, by hand",
)


def _checked(lines: Sequence[str], part: Part) -> Part:
    begin = _BEGIN.match(lines[part.first])
    if begin and begin[2] == _digest(lines[part.first + 1 : part.last]):
        return part
    raise Damaged(
        part.first + 1,
        "somebody changed what stands between Handrail's marks",
        "move what is yours out of it and delete the rest, marks included; then run the command again",
    )


def _digest(lines: Sequence[str]) -> str:
    """What the lines say, whatever stands before and behind each."""
    said = "\n".join(line.strip() for line in lines)
    return hashlib.sha256(said.encode()).hexdigest()[:12]
