"""When a rollout may go forward: freezes and hours. Going back is never kept waiting."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from handrail.base import declared
from handrail.base.places import declaring_place
from handrail.contract import names
from handrail.contract.addresses import like
from handrail.declare.calendars import Span, events_of

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")


def _known_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {text!r}; write it like Europe/Berlin or UTC") from None
    return text


def _day_or_moment(text: str) -> str:
    _moment(text)
    return text


def _moment(text: str) -> tuple[datetime, bool]:
    """What was written, without a zone, and whether it is a whole day."""
    for form, whole in (("%Y-%m-%d", True), ("%Y-%m-%d %H:%M", False)):
        try:
            return datetime.strptime(text, form), whole  # noqa: DTZ007  its zone is written beside it
        except ValueError:
            continue
    raise ValueError(f"'{text}' is not a day; write it like 2026-12-20, or 2026-12-20 18:00")


def clock(text: str) -> str:
    """A time of a day as it was written; raises ValueError for anything else."""
    if not _TIME.fullmatch(text):
        raise ValueError(f"'{text}' is not a time of day; write it like 09:00")
    return text


def day(text: str) -> str:
    """A day as it was written; raises ValueError for anything else."""
    if not _moment(text)[1]:
        raise ValueError(f"'{text}' is more than a day; write it like 2026-12-20")
    return text


def _days(text: str) -> str:
    days_of(text)
    return text


def days_of(text: str) -> tuple[int, ...]:
    """`Mon-Fri` or `Mon,Wed` → 0 to 6, Monday first."""
    days: list[int] = []
    for part in text.split(","):
        first, _, last = (one.strip() for one in part.partition("-"))
        if first not in names.DAYS or (last and last not in names.DAYS):
            raise ValueError(f"'{text}' are not days; write them like Mon-Fri, or Mon,Wed,Fri")
        begins, ends = names.DAYS.index(first), names.DAYS.index(last or first)
        if ends < begins:
            raise ValueError(f"'{part.strip()}' goes backwards; write two parts, like Sat-Sun,Mon")
        days += range(begins, ends + 1)
    return tuple(sorted(set(days)))


def _day(text: str) -> str:
    if not _moment(text)[1]:
        raise ValueError(f"'{text}' is more than a day; write it like 2027-12-31")
    return text


Zone = Annotated[str, AfterValidator(_known_zone), Field(description="a time zone like Europe/Berlin")]
Moment = Annotated[str, AfterValidator(_day_or_moment), Field(description="a day like 2026-12-20")]
TimeOfDay = Annotated[str, AfterValidator(clock), Field(description="a time like 09:00")]
Day = Annotated[str, AfterValidator(_day), Field(description="a day like 2027-12-31")]
CalendarFile = Annotated[
    str,
    like(r"(?!/)(?!(.*/)?\.\.(/|$))[^\x00-\x1f]+\.ics", "a file beside the declaration, like freezes.ics"),
]
Days = Annotated[str, AfterValidator(_days), Field(description="days like Mon-Fri")]


@declared
class Freeze:
    """Nothing goes forward from `start` to `end`: days, the last one included, or moments like `2026-12-20 18:00`.

    `why` is the answer to whoever tries to go forward. Several rollouts can share a freeze: assign it to a constant.

    `Freeze(calendar="freezes.ics")` is a freeze for each event of an iCalendar file (RFC 5545) beside the declaration,
    with the event's summary as the reason. It is read by `handrail generate`, like every declaration. Events that
    repeat without an end are read up to the day `until`. Days, and times without a zone, are in the time zone `zone`.
    """

    start: Moment | None = None
    end: Moment | None = None
    calendar: CalendarFile | None = Field(default=None, kw_only=True)
    until: Day | None = Field(default=None, kw_only=True)
    why: str = Field(default="", kw_only=True)
    zone: Zone = Field(default="UTC", kw_only=True)

    @property
    def spans(self) -> tuple[Span, ...]:
        """When it is, once or several times."""
        spans: tuple[Span, ...] = vars(self)["_spans"]
        return spans

    @model_validator(mode="after")
    def _when(self) -> Freeze:
        if (self.calendar is None) == (self.start is None and self.end is None):
            raise ValueError("a freeze is from a start to an end, or in a calendar; write one of the two")
        if self.until is not None and self.calendar is None:
            raise ValueError("until= says how far a calendar is read, and there is none; write end=")
        object.__setattr__(self, "_spans", (self._span(),) if self.calendar is None else self._read())
        return self

    def _span(self) -> Span:
        if self.start is None or self.end is None:
            raise ValueError("a freeze needs a start and an end; write both")
        zone = ZoneInfo(self.zone)
        begins = _moment(self.start)[0].replace(tzinfo=zone).astimezone(UTC)
        at, whole = _moment(self.end)
        at += timedelta(days=1) if whole else timedelta()  # a day that is named as its end belongs to it
        ends = at.replace(tzinfo=zone).astimezone(UTC)
        if ends <= begins:
            raise ValueError(f"it ends ({self.end}) before it begins ({self.start}); swap the two")
        return Span(begins, ends, self.why)

    def _read(self) -> tuple[Span, ...]:
        place = declaring_place()
        folder = Path(place.code.co_filename).parent if place else Path()
        until = None if self.until is None else _moment(self.until)[0].date()
        events = events_of(folder, self.calendar or "", self.zone, until)
        return tuple(replace(one, why=one.why or self.why) for one in events)


@declared
class Hours:
    """The rollout goes forward only on `days`, from `begins` to `ends`, in the time zone `zone`."""

    days: Days
    begins: TimeOfDay
    ends: TimeOfDay
    zone: Zone = Field(kw_only=True)

    @model_validator(mode="after")
    def _forward(self) -> Hours:
        if self.ends <= self.begins:
            raise ValueError(
                f"they end ({self.ends}) before they begin ({self.begins}); write two, one for each day"
            )
        return self
