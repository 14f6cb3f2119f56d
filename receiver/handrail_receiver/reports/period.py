"""A date and a time zone → the day or the week that a report is about, and when it is sent. Pure.

A day begins at its first instant by the clocks of the zone, and ends where the next begins: it has 23 hours where clocks
are put forward, and 25 where they are put back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from handrail.contract import ReportFacts

Kind = Literal["daily", "weekly"]
KINDS: tuple[Kind, ...] = ("daily", "weekly")
DAY = timedelta(days=1)
DAYS: dict[Kind, int] = {"daily": 1, "weekly": 7}


@dataclass(frozen=True)
class Period:
    """From the beginning of `first` to the end of `last`, which belongs to it, in a zone."""

    kind: Kind
    zone: str
    first: date
    last: date

    @property
    def start(self) -> datetime:
        """Its first instant."""
        return day_begins(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first instant after it."""
        return day_begins(self.last + DAY, self.zone)

    @property
    def days(self) -> Iterator[Period]:
        """Each of its days."""
        for place in range((self.last - self.first).days + 1):
            day = self.first + place * DAY
            yield Period("daily", self.zone, day, day)

    def before(self, many: int = 1) -> Period:
        """The same so many days or weeks earlier."""
        back = many * DAYS[self.kind] * DAY
        return Period(self.kind, self.zone, self.first - back, self.last - back)


def day_begins(day: date, zone: str) -> datetime:
    """The first instant of a day by the clocks of a zone, as UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def day_of(at: datetime, zone: str) -> date:
    """The day that an instant is in by the clocks of a zone."""
    return at.astimezone(ZoneInfo(zone)).date()


def period_with(kind: Kind, day: date, facts: ReportFacts) -> Period:
    """The day, or the week that it is in: weeks begin on the day on which the report is sent, on Monday where it is not."""
    if kind == "daily":
        return Period(kind, facts.zone, day, day)
    begins = facts.weekly.day if facts.weekly else 0
    first = day - (day.weekday() - begins) % 7 * DAY
    return Period(kind, facts.zone, first, first + 6 * DAY)


def newest_whole(kind: Kind, now: datetime, facts: ReportFacts) -> Period:
    """The last day or week that is over."""
    return period_with(kind, day_of(now, facts.zone), facts).before()


def sent_at(kind: Kind, period: Period, facts: ReportFacts) -> datetime | None:
    """When the report about a period is sent: on the day after it, at the declared time; None where it is not sent."""
    written = facts.daily if kind == "daily" else facts.weekly.at if facts.weekly else None
    if written is None:
        return None
    hour, minute = map(int, written.split(":"))
    at = datetime.combine(period.last + DAY, time(hour, minute), ZoneInfo(facts.zone))
    return at.astimezone(UTC)
