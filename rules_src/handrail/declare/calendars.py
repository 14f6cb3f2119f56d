"""A calendar file (iCalendar, RFC 5545) → its events as spans of time, or a refusal that names the event and its line.

What repeats is written out, so that whoever reviews what was generated sees each freeze: a rule without an end needs the
day up to which it is read. Cancelled events and instances do not count. An event is a freeze whether it is shown as busy
or as free: calendars of holidays are shown as free.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from icalendar import Calendar, Component

MOST = 1000
LARGEST = 5_000_000
_FIRST, _LAST = date(1970, 1, 1), date(9000, 1, 1)


@dataclass(frozen=True)
class Span:
    """A time in which nothing goes forward, and why."""

    begins: datetime
    ends: datetime
    why: str


@dataclass(frozen=True)
class _File:
    """A calendar file: its name as it was written, and its text."""

    name: str
    text: str

    def at(self, event: Component) -> str:
        """Which event, and where in the file."""
        uid = str(event.get("UID", ""))
        lines = self.text.splitlines()
        line = next((n for n, one in enumerate(lines, 1) if uid and one.strip() == f"UID:{uid}"), None)
        return f"{self.name}{f':{line}' if line else ''}: event {uid or event.get('SUMMARY', 'without UID')}"


def events_of(folder: Path, name: str, zone: str, until: date | None) -> tuple[Span, ...]:
    """The events of the file `name` below `folder`, by when they begin, no later than the day `until`.

    Days, and times without a zone, are by the clocks of `zone`. Raises ValueError.
    """
    file = _File(name, _text(folder / name, name))
    calendar = _parsed(file)
    for event in calendar.walk("VEVENT"):
        _checked(file, event, until)
    if not calendar.walk("VEVENT"):
        raise ValueError(f"{name} has no events; add one, or leave it out")
    return tuple(
        sorted(_spans(file, calendar, ZoneInfo(zone), until), key=lambda one: (one.begins, one.ends))
    )


def _text(path: Path, name: str) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"{name} is larger than 5 MB; export the calendar of freezes alone")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"{name} cannot be read ({error.strerror}); put it beside the declaration") from None
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not UTF-8, as RFC 5545 wants it; export it again") from None


def _parsed(file: _File) -> Calendar:
    try:
        from icalendar import Calendar  # noqa: PLC0415  only who has a calendar needs it
    except ImportError:
        raise ValueError("calendars need two libraries; install handrail[calendars]") from None
    try:
        return Calendar.from_ical(file.text)
    except ValueError as error:
        said = str(error).splitlines()[0][:100].rstrip(" :")
        raise ValueError(
            f"{file.name} is not a single calendar in the format of RFC 5545 ({said}); export it again"
        ) from None


def _checked(file: _File, event: Component, until: date | None) -> None:
    """Raises ValueError for an event that cannot be read as it was meant."""
    where = file.at(event)
    if event.errors:
        name, said = event.errors[0]
        raise ValueError(f"{where}: {name or 'a line'} cannot be read ({said}); correct it")
    if "DTSTART" not in event:
        raise ValueError(f"{where} does not say when it begins; add DTSTART")
    begins, ends = _day_or_time(where, event, "DTSTART"), None
    if "DTEND" in event:
        ends = _day_or_time(where, event, "DTEND")
    if "RECURRENCE-ID" in event:
        _day_or_time(where, event, "RECURRENCE-ID")
    if ends is not None and isinstance(begins, datetime) != isinstance(ends, datetime):
        raise ValueError(
            f"{where} begins with a day and ends with a time, or the other way round; write two of a kind"
        )
    if ends is not None and _utc(ends, UTC) <= _utc(begins, UTC):
        raise ValueError(f"{where} ends ({ends}) no later than it begins ({begins}); swap the two")
    if ends is None and isinstance(begins, datetime) and not event.get("DURATION"):
        raise ValueError(f"{where} takes no time; add DTEND or DURATION")
    rules = event.get("RRULE") or []
    endless = any(
        "UNTIL" not in one and "COUNT" not in one for one in (rules if isinstance(rules, list) else [rules])
    )
    if endless and until is None:
        raise ValueError(
            f"{where} repeats without an end; write up to which day it is read, like until='2027-12-31'"
        )


def _day_or_time(where: str, event: Component, name: str) -> date:
    """What a property says; a time in a zone that nobody knows is none."""
    moment: object = getattr(event[name], "dt", None)
    if not isinstance(moment, date):
        raise ValueError(f"{where}: {name} is not one day or time; correct it")  # noqa: TRY004  pydantic's way
    zone = event[name].params.get("TZID")
    if zone and isinstance(moment, datetime) and moment.tzinfo is None:
        raise ValueError(
            f"{where}: {name} has the time zone {zone!r}, which the file does not define and which is not known; write one like Europe/Berlin"
        )
    return moment


def _spans(file: _File, calendar: Calendar, zone: ZoneInfo, until: date | None) -> Iterator[Span]:
    import recurring_ical_events  # noqa: PLC0415

    last = _LAST if until is None else until + timedelta(days=1)
    count = 0
    for one in recurring_ical_events.of(calendar).after(_FIRST):
        begins, ends = _utc(one.start, zone), _utc(one.end, zone)
        if begins >= _utc(last, zone):
            return
        if str(one.get("STATUS", "")).upper() == "CANCELLED":
            continue
        count += 1
        if count > MOST:
            raise ValueError(
                f"{file.name} has more than {MOST} freezes; say up to which day it is read: until="
            )
        yield Span(begins, ends, " ".join(str(one.get("SUMMARY", "")).split())[:200])


def _utc(moment: date, zone: tzinfo) -> datetime:
    at = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
