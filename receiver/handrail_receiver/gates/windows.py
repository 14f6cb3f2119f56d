"""Playbook + now → why nothing may go forward now, and until when. Pure; a zone that this machine does not know opens nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from handrail.contract import Hours, Playbook, names

from handrail_receiver.words.times import when

WEEK = 8
"""How many days are looked at for the next hours."""


def frozen(playbook: Playbook, now: datetime) -> str:
    """Which freezes it is in, and when the last that adjoins them ends; empty for none."""
    until, whys = now.timestamp(), list[str]()
    for one in sorted(playbook.freezes, key=lambda one: one.begins):
        if one.begins <= until < one.ends:
            until = one.ends
            whys += [one.why] if one.why and one.why not in whys else []
    if until == now.timestamp():
        return ""
    why = f": {', then '.join(whys)}" if whys else ""
    return f"frozen until {when(datetime.fromtimestamp(until, UTC))}{why}"


def outside_hours(playbook: Playbook, now: datetime) -> str:
    """Which hours it is outside of, and when they begin; empty within them, or where there are none."""
    if not playbook.hours:
        return ""
    try:
        spans = [span for one in playbook.hours for span in _spans(one, now)]
    except (ZoneInfoNotFoundError, OSError) as error:
        return f"its hours are not known: {error}; install the time zones (tzdata) on this machine"
    if any(begins <= now < ends for begins, ends in spans):
        return ""
    ahead = min((begins for begins, _ in spans if begins > now), default=None)
    text = f"outside of its hours, {'; '.join(map(in_words, playbook.hours))}"
    return f"{text}; they begin {when(ahead)}" if ahead else text


def in_words(hours: Hours) -> str:
    """`Mon, Tue 09:00-17:00 Europe/Berlin`."""
    return f"{', '.join(names.DAYS[day] for day in hours.days)} {hours.begins}-{hours.ends} {hours.zone}"


def _spans(hours: Hours, now: datetime) -> list[tuple[datetime, datetime]]:
    """The hours of today, by their zone, and of the days after."""
    zone = ZoneInfo(hours.zone)
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(WEEK))
    return [
        (_at(day, hours.begins, zone), _at(day, hours.ends, zone))
        for day in days
        if day.weekday() in hours.days
    ]


def _at(day: object, clock: str, zone: ZoneInfo) -> datetime:
    hour, minute = map(int, clock.split(":"))
    midnight = datetime.fromisoformat(f"{day}T00:00")
    local = midnight + timedelta(days=1) if hour == 24 else midnight.replace(hour=hour, minute=minute)
    return local.replace(tzinfo=zone).astimezone(UTC)
