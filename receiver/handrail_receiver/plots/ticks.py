"""A span of numbers or of time → the round values that an axis shows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime

ROUND = (1, 2, 2.5, 5, 10)
TIMES = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400, 172800, 604800)
"""Distances between two times, in seconds."""


def bounds(values: Iterable[float]) -> tuple[float, float]:
    """From where to where an axis goes so that all values are inside: from 0 on, unless one is below."""
    known = [value for value in values if math.isfinite(value)]
    low, high = min([0.0, *known]), max(known, default=0.0)
    return (low, high + 0.08 * (high - low)) if high > low else (low, low + 1)


def number_ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Round numbers from `low` to `high`, at most so many and one."""
    rough = (high - low) / most
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * one for one in ROUND if size * one >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(place * step, 12) for place in range(first, last + 1))


def time_ticks(start: float, end: float, most: int = 6) -> tuple[float, ...]:
    """Round instants from `start` to `end`, in seconds since 1970."""
    step = next((one for one in TIMES if (end - start) / one <= most), TIMES[-1])
    first, last = math.ceil(start / step), math.floor(end / step)
    return tuple(float(place * step) for place in range(first, last + 1))


def time_text(at: float, span: float) -> str:
    """An instant beside an axis that is `span` seconds long, in UTC."""
    form = (
        "%d %b"
        if span > 4 * 86400
        else "%d %b %H:%M"
        if span > 86400
        else "%H:%M"
        if span > 600
        else "%H:%M:%S"
    )
    return datetime.fromtimestamp(at, UTC).strftime(form)
