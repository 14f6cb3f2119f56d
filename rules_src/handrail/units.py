"""Texts like "5m", "1.5%", "2GB", "100/min" → timedelta and Quantity, and back.

Everything inside is in base units: seconds, bytes, shares 0..1, events per second; numbers are Decimal, so
that 0.1 % never becomes 0.0009999999999999432.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_UP, Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field


class Unit(StrEnum):
    """What a number counts."""

    number = "number"
    ratio = "ratio"
    seconds = "seconds"
    bytes = "bytes"
    per_second = "per second"


@dataclass(frozen=True)
class Quantity:
    """A number in its base unit."""

    value: Decimal
    unit: Unit

    def __str__(self) -> str:
        return show(self.value, self.unit)


DIGITS = 15
"""How many decimal digits Prometheus' floats keep exactly."""

_LONGEST = timedelta(days=3650)
_SHORTEST_INTERVAL = timedelta(seconds=1)
_MILLISECOND = timedelta(milliseconds=1)
_SPANS = {"w": "604800", "d": "86400", "h": "3600", "m": "60", "s": "1", "ms": "0.001"}
_DURATION = re.compile("".join(rf"(?:(\d+){unit}(?![a-z]))?" for unit in _SPANS), re.ASCII)
_ONE_SPAN = re.compile(r"(\d+\.\d+)(w|d|h|ms|m|s)", re.ASCII)
_AMOUNT = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([A-Za-z%]*(?:/[a-z]+)?)", re.ASCII)
_THOUSANDS = {"": "1", "k": "1e3", "K": "1e3", "M": "1e6", "G": "1e9"}
_SCALES: dict[str, tuple[Decimal, Unit]] = {
    "%": (Decimal("0.01"), Unit.ratio),
    **{name: (Decimal(factor), Unit.number) for name, factor in _THOUSANDS.items()},
    **{name: (Decimal(factor), Unit.seconds) for name, factor in _SPANS.items()},
    **{f"{name}B": (Decimal(factor), Unit.bytes) for name, factor in {**_THOUSANDS, "T": "1e12"}.items()},
    **{f"{name}iB": (Decimal(1024**power), Unit.bytes) for power, name in enumerate("KMGT", start=1)},
    **{f"{name}/s": (Decimal(factor), Unit.per_second) for name, factor in _THOUSANDS.items()},
}
_PER = {"/min": Decimal(60), "/h": Decimal(3600)}


@functools.lru_cache(4096)
def duration(text: str) -> timedelta:
    """`1h30m` or `1.5h` → 90 minutes. Raises ValueError that says what is understood."""
    written = text.strip()
    one, several = _ONE_SPAN.fullmatch(written), _DURATION.fullmatch(written)
    if one is not None:
        seconds_written = Decimal(one[1]) * Decimal(_SPANS[one[2]])
    elif several is not None and written:
        sizes = zip(several.groups(), _SPANS.values(), strict=True)
        seconds_written = sum((Decimal(count) * Decimal(size) for count, size in sizes if count), Decimal(0))
    else:
        raise ValueError(f"'{text}' is not a duration; write it like 30s, 5m, 24h, 7d or 1h30m")
    if seconds_written > _LONGEST.total_seconds():
        raise ValueError(f"'{text}' is longer than ten years; write it like 30s, 5m, 24h, 7d or 1h30m")
    if seconds_written * 1000 % 1:
        raise ValueError(f"'{text}' is finer than a millisecond; write whole milliseconds, like 250ms")
    return timedelta(milliseconds=int(seconds_written * 1000))


@functools.lru_cache(4096)
def amount(written: str | int | float | Decimal) -> Quantity:
    """`1.5%` → 0.015 as a ratio; `100/min` → per second. Raises ValueError that says what is understood."""
    if not isinstance(written, str):
        return Quantity(_kept(Decimal(str(written)), written), Unit.number)
    match = _AMOUNT.fullmatch(written.strip())
    if match is None:
        return _long_time(written)
    number, suffix = _kept(Decimal(match[1]), written), match[2]
    if suffix in _PER:
        return Quantity(number / _PER[suffix], Unit.per_second)
    if suffix not in _SCALES:
        raise _no_amount(written)
    factor, unit = _SCALES[suffix]
    return Quantity(_kept(number * factor, written), unit)


def _long_time(written: str) -> Quantity:
    try:
        return Quantity(seconds(duration(written)), Unit.seconds)
    except ValueError:
        raise _no_amount(written) from None


def _kept(number: Decimal, written: object) -> Decimal:
    if not number.is_finite() or abs(number.adjusted()) > 2 * DIGITS:
        raise _no_amount(written)
    if len(number.normalize().as_tuple().digits) > DIGITS:
        raise ValueError(f"'{written}' has more digits than Prometheus keeps; write at most {DIGITS}")
    return number


def _no_amount(written: object) -> ValueError:
    return ValueError(
        f"'{written}' is not an amount; write it like 0.5%, 300ms, 2s, 1GB, 776K, 10/s, 100/min or 42"
    )


def _checked_duration(text: str) -> str:
    duration(text)
    return text


def _checked_period(text: str) -> str:
    if not duration(text):
        raise ValueError("it must take some time; write it like 30s, 5m, 24h, 7d or 1h30m")
    return text


def _checked_interval(text: str) -> str:
    if duration(text) < _SHORTEST_INTERVAL:
        raise ValueError("it must be at least 1s; write it like 15s")
    return text


def _no_bool(written: object) -> object:
    if isinstance(written, bool):
        raise ValueError(f"{written} is not an amount; write a number, like 1 or 0.5%")  # noqa: TRY004  pydantic's way
    return written


def _checked_amount(written: str | int | float | Decimal) -> str | int | float | Decimal:
    amount(written)
    return written


def _checked_share(written: str | int | float | Decimal) -> str | int | float | Decimal:
    share = amount(written)
    if (share.unit is not Unit.ratio and share.value != 0) or not 0 <= share.value <= 1:
        raise ValueError(f"'{written}' is not a share of the whole; write 0% to 100%")
    return written


def _checked_frequency(written: str) -> str:
    frequency = amount(written)
    if frequency.unit is not Unit.per_second or frequency.value <= 0:
        raise ValueError(f"'{written}' is not a frequency; write it like 50/s or 100/min")
    return written


Duration = Annotated[str, AfterValidator(_checked_duration), Field(description="a duration like 5m")]
Period = Annotated[str, AfterValidator(_checked_period), Field(description="a duration like 5m")]
"""A duration that is not zero."""
Interval = Annotated[str, AfterValidator(_checked_interval), Field(description="a duration like 15s")]
"""How often Prometheus does something: at least every second."""
_Number = str | int | float | Decimal
Amount = Annotated[
    _Number,
    BeforeValidator(_no_bool),
    AfterValidator(_checked_amount),
    Field(description="an amount like 0.5%, 300ms, 1GB, 10/s or 42"),
]
Share = Annotated[
    _Number,
    BeforeValidator(_no_bool),
    AfterValidator(_checked_share),
    Field(description="a share like 10%"),
]
Frequency = Annotated[
    str, AfterValidator(_checked_frequency), Field(description="events per time, like 50/s or 100/min")
]


def plain(number: Decimal) -> str:
    """The shortest decimal, never with an exponent: PromQL and people read it alike.

    Exact, except for a number with no finite decimal form (100 per minute): that is its nearest float, so that a rate of
    exactly this much is not above it.
    """
    if number == 0:
        return "0"
    text = f"{number:f}"
    if len(text) > DIGITS and len(number.as_tuple().digits) > DIGITS:
        text = f"{Decimal(repr(float(number))):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def span(time: timedelta) -> str:
    """A duration as Prometheus writes it: `1h30m`, `15s`, `750ms`; zero is `0s`."""
    rest = time // _MILLISECOND
    parts = []
    for name, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts) or "0s"


def seconds(time: timedelta) -> Decimal:
    """A duration in seconds, exact to the millisecond."""
    return Decimal(time // _MILLISECOND) / 1000


_BYTES = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("KB", 10**3), ("B", 1))
_BINARY = (("TiB", 1024**4), ("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))
_RATES = (("/s", 1), ("/min", 60), ("/h", 3600))


def show(value: Decimal, unit: Unit) -> str:
    """A base-unit number in the words a person would use."""
    if unit is Unit.ratio:
        return f"{plain(value * 100)} %"
    if unit is Unit.seconds:
        return _time(value)
    if unit is Unit.per_second:
        return _short([(value * times, name) for name, times in _RATES])
    if unit is Unit.bytes:
        fitting = [(value / size, f" {name}") for name, size in _BYTES if abs(value) >= size]
        binary = [(value / size, f" {name}") for name, size in _BINARY if abs(value) >= size]
        return _short([*fitting[:1], *binary[:1], (value, " B")])
    return plain(value)


def per_minute(events: Decimal, window: Decimal) -> str:
    """Events in so many seconds as a number a minute, rounded up to a tenth: what is said to be enough is enough."""
    rate = (events * 60 / window).quantize(Decimal("0.1"), ROUND_UP)
    return f"{plain(rate)}/min"


_HOUR = 3600


def _time(value: Decimal) -> str:
    """Milliseconds, seconds, or from an hour on as durations are written: `1d2h`."""
    if abs(value) < 1:
        return f"{plain(value * 1000)} ms"
    if abs(value) < _HOUR or value * 1000 % 1:
        return f"{plain(value)} s"
    return f"{'-' if value < 0 else ''}{span(timedelta(milliseconds=int(abs(value) * 1000)))}"


def _short(candidates: list[tuple[Decimal, str]]) -> str:
    """The first candidate that needs at most two decimals, else the first."""
    fine = [(figure, name) for figure, name in candidates if len(plain(figure).partition(".")[2]) <= 2]
    figure, name = (fine or candidates)[0]
    return f"{plain(figure)}{name}"
