"""A long text → one that its channel takes, shortened where people lose least.

It cuts the middle of long lines and the oldest lines; links, the newest line and both ends of the title stay. Text is
cut before it is escaped if possible; one that is still too long is cut between its marks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from handrail_receiver.telling.incident import TOLD_ONCE, IncidentEntry, ToldIncident

# The newest line may have so many characters, the others and the title so many, and so many lines stay.
SIZES = (
    (4000, 1000, 30),
    (2000, 400, 30),
    (1500, 300, 10),
    (1000, 200, 10),
    (800, 150, 6),
    (500, 100, 3),
    (250, 80, 1),
)
CUT = "\n…\n"
MARK = re.compile(r"<[^<>\n]*>|&[a-z]+;|.", re.DOTALL)


def fitted(incident: ToldIncident, write: Callable[[ToldIncident], str], longest: int) -> str:
    """What `write` makes of the incident, in at most `longest` characters."""
    text = write(incident)
    for newest, others, count in SIZES:
        if len(text) <= longest:
            return text
        text = write(shortened(incident, newest, others, count))
    return between_marks(text, longest)


def shortened(incident: ToldIncident, newest: int, others: int, count: int) -> ToldIncident:
    """The same with the newest `count` lines, the last of them in `newest` characters, all others in `others`.

    Of what is told once, a check or a report, the first lines stay.
    """
    if incident.status in TOLD_ONCE:
        return _first_of(incident, newest, others, count)
    kept = incident.lines[-count:]
    lines = [IncidentEntry(line.at, middle_out(line.text, others)) for line in kept[:-1]]
    lines += [IncidentEntry(line.at, middle_out(line.text, newest)) for line in kept[-1:]]
    gone = len(incident.lines) - len(kept)
    if gone:
        lines.insert(0, IncidentEntry(kept[0].at, f"… {gone} earlier"))
    return replace(incident, title=middle_out(incident.title, others), lines=tuple(lines))


def _first_of(incident: ToldIncident, newest: int, others: int, count: int) -> ToldIncident:
    kept = [IncidentEntry(line.at, middle_out(line.text, newest)) for line in incident.lines[:count]]
    gone = len(incident.lines) - len(kept)
    more = [IncidentEntry(kept[-1].at, f"… {gone} more")] if gone else []
    return replace(incident, title=middle_out(incident.title, others), lines=(*kept, *more))


def middle_out(text: str, longest: int) -> str:
    """`text`, without its middle when it is longer."""
    if len(text) <= longest:
        return text
    tail = (longest - 1) // 3
    return f"{text[: longest - 1 - tail]}…{text[len(text) - tail :]}"


def between_marks(text: str, longest: int) -> str:
    """`text`, without its middle when it is longer; never half a link or half an entity."""
    if len(text) <= longest:
        return text
    marks = MARK.findall(text)
    tail = _fill(marks[::-1], (longest - len(CUT)) // 2)[::-1]
    head = _fill(marks, longest - len(CUT) - sum(map(len, tail)))
    return "".join([*head, CUT, *tail])


def _fill(marks: list[str], room: int) -> list[str]:
    """As many of the first marks as there is room for."""
    filled: list[str] = []
    for mark in marks:
        room -= len(mark)
        if room < 0:
            break
        filled.append(mark)
    return filled
