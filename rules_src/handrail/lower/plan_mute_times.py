"""A declared mute time → the intervals of the plan, none of which goes over midnight, and the same in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from handrail.declare.notify import MuteTime, Weekday
from handrail.plan.routing import Interval

_WEEK: tuple[str, ...] = get_args(Weekday)
_MIDNIGHT, _DAY_BEGINS = "24:00", "00:00"


def lower_mute_time(mute: MuteTime) -> tuple[tuple[Interval, ...], str]:
    """The mute time with its intervals and in words."""
    return tuple(_intervals(mute)), _said(mute)


def _intervals(mute: MuteTime) -> Iterator[Interval]:
    """The intervals: a time over midnight becomes two, the second on the next day of the week."""
    begin, _, end = (mute.hours or "").partition("-")
    if not mute.over_midnight:
        yield _interval(mute, begin, end, tuple(mute.weekdays))
        return
    yield _interval(mute, begin, _MIDNIGHT, tuple(mute.weekdays))
    if end != _DAY_BEGINS:
        yield _interval(mute, _DAY_BEGINS, end, tuple(_day_after(day) for day in mute.weekdays))


def _interval(mute: MuteTime, begin: str, end: str, weekdays: tuple[str, ...]) -> Interval:
    times = ((begin, end),) if begin else ()
    return Interval(times, weekdays, tuple(mute.days), tuple(mute.months), mute.zone)


def _day_after(day: str) -> str:
    return _WEEK[(_WEEK.index(day) + 1) % len(_WEEK)]


def _said(mute: MuteTime) -> str:
    parts = [
        mute.hours or "",
        ", ".join(mute.weekdays),
        f"day {', '.join(map(str, mute.days))} of the month" if mute.days else "",
        ", ".join(mute.months),
        mute.zone,
    ]
    return " ".join(filter(None, parts))
