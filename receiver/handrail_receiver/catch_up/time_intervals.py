"""Alertmanager's time intervals + an instant → whether it is in one of them; pure.

They are evaluated as Alertmanager does it: in UTC if no location is named, without the end of a day range, with
negative days of a month counted from its end, and with no day that the month does not have.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError, field_validator

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = tuple(month.lower() for month in calendar.month_name)
CLOCK = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")
DAY = 24 * 60

Bounds = tuple[int, int]


def _minute(written: object) -> int:
    """`09:30` in minutes; YAML 1.1 makes a number of minutes of it where it stands without quotes."""
    if isinstance(written, int) and 0 <= written <= DAY:
        return written
    clock = CLOCK.fullmatch(written) if isinstance(written, str) else None
    if clock is None or (minutes := 60 * int(clock[1]) + int(clock[2])) > DAY:
        raise ValueError("no time of a day")
    return minutes


def _bounds(number: Callable[[str], int]) -> Callable[[object], Bounds]:
    """`a:b`, or `a` for both."""

    def read(written: object) -> Bounds:
        if isinstance(written, bool) or not isinstance(written, str | int):
            raise ValueError("no range")  # noqa: TRY004  pydantic's error
        first, _, last = str(written).lower().partition(":")
        return number(first.strip()), number((last or first).strip())

    return read


def _weekday(word: str) -> int:
    return WEEKDAYS.index(word)


def _month(word: str) -> int:
    return MONTHS.index(word) if word in MONTHS[1:] else int(word)


class TimeOfDay(BaseModel):
    """From `start_time` to just before `end_time`, in minutes of a day."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    start_time: Annotated[int, BeforeValidator(_minute)]
    end_time: Annotated[int, BeforeValidator(_minute)]


class TimeInterval(BaseModel):
    """One interval: an instant lies in it when it lies in one range of each kind that is named."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    times: tuple[TimeOfDay, ...] | None = None
    weekdays: tuple[Annotated[Bounds, BeforeValidator(_bounds(_weekday))], ...] | None = None
    days_of_month: tuple[Annotated[Bounds, BeforeValidator(_bounds(int))], ...] | None = None
    months: tuple[Annotated[Bounds, BeforeValidator(_bounds(_month))], ...] | None = None
    years: tuple[Annotated[Bounds, BeforeValidator(_bounds(int))], ...] | None = None
    location: ZoneInfo | None = None

    @field_validator("location", mode="before")
    @classmethod
    def _zone(cls, written: object) -> ZoneInfo | None:
        try:
            return ZoneInfo(str(written)) if written else None
        except (ZoneInfoNotFoundError, OSError, ValueError):
            raise ValueError("no zone that this machine knows") from None

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in it."""
        at = at.astimezone(self.location or UTC)
        days = calendar.monthrange(at.year, at.month)[1]
        of_month = [_within_month(bounds, days) for bounds in self.days_of_month or ()]
        minute = 60 * at.hour + at.minute
        return (
            (self.times is None or any(one.start_time <= minute < one.end_time for one in self.times))
            and (self.days_of_month is None or _in(of_month, at.day))
            and (self.months is None or _in(self.months, at.month))
            and (self.weekdays is None or _in(self.weekdays, at.isoweekday() % 7))
            and (self.years is None or _in(self.years, at.year))
        )


def _within_month(bounds: Bounds, days: int) -> Bounds:
    first, last = (days + 1 + day if day < 0 else day for day in bounds)
    return first, min(last, days)


def _in(ranges: list[Bounds] | tuple[Bounds, ...], number: int) -> bool:
    return any(first <= number <= last for first, last in ranges)


INTERVALS: TypeAdapter[tuple[TimeInterval, ...]] = TypeAdapter(tuple[TimeInterval, ...])
Intervals = Mapping[str, tuple[TimeInterval, ...] | None]
"""By their names; None for one that cannot be read here."""


class _Named(BaseModel):
    model_config = ConfigDict(extra="ignore")
    name: str
    time_intervals: list[object] | None = None


class _Whole(BaseModel):
    model_config = ConfigDict(extra="ignore")
    time_intervals: list[_Named] | None = None
    mute_time_intervals: list[_Named] | None = None


def intervals_in(configuration: object) -> Intervals:
    """Those that a configuration names, in either of the two ways. Raises ValidationError."""
    whole = _Whole.model_validate(configuration)
    return {
        one.name: _read(one.time_intervals or [])
        for one in (*(whole.time_intervals or ()), *(whole.mute_time_intervals or ()))
    }


def _read(written: list[object]) -> tuple[TimeInterval, ...] | None:
    try:
        return INTERVALS.validate_python(written)
    except ValidationError:
        return None
