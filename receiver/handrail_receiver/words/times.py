"""Instants and durations → words for people, always UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def when(at: datetime) -> str:
    """`2026-03-01 02:31:05 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def clock(at: datetime) -> str:
    """`02:31:05.123`: an instant of a day that is named beside it."""
    return f"{at.astimezone(UTC):%H:%M:%S.%f}"[:-3]


def span(duration: timedelta) -> str:
    """`41 min`, `3 h 20 min`, `2 d 4 h`: how long something lasts, to its two largest units."""
    left = max(0, int(duration.total_seconds()))
    parts = []
    for name, size in UNITS:
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number} {name}")
        elif parts:
            break
    return " ".join(parts[:2] if parts[0].endswith((" d", " h")) else parts[:1]) if parts else "0 s"


def took(later: datetime | None, earlier: datetime) -> str:
    """`+128 ms`, `+4.2 s`, `+3 min`: how long after `earlier`."""
    if later is None:
        return "not yet"
    seconds = (later - earlier).total_seconds()
    if seconds < 1:
        return f"+{seconds * 1000:.0f} ms"
    return f"+{seconds:.1f} s" if seconds < 60 else f"+{span(later - earlier)}"
