"""What people write ("5m", "1.5%", "2GB", "100/min") → timedelta and Quantity, and back into words.

Everything inside is in base units: seconds, bytes, shares 0..1, events per second; numbers are Decimal, so
that 0.1 % never becomes 0.0009999999999999432.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator


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


_SPANS = {"ms": "0.001", "s": "1", "m": "60", "h": "3600", "d": "86400", "w": "604800"}
_DURATION = re.compile(r"(?:\d+(?:ms|w|d|h|m|s))+")
_PART = re.compile(r"(\d+)(ms|w|d|h|m|s)")
_AMOUNT = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([A-Za-z%]*(?:/[a-z]+)?)")
_SCALES: dict[str, tuple[str, Unit]] = {
    "": ("1", Unit.number),
    "K": ("1e3", Unit.number),
    "M": ("1e6", Unit.number),
    "%": ("0.01", Unit.ratio),
    **{name: (factor, Unit.seconds) for name, factor in _SPANS.items()},
    "B": ("1", Unit.bytes),
    "KB": ("1e3", Unit.bytes),
    "MB": ("1e6", Unit.bytes),
    "GB": ("1e9", Unit.bytes),
    "TB": ("1e12", Unit.bytes),
    "KiB": ("1024", Unit.bytes),
    "MiB": ("1048576", Unit.bytes),
    "GiB": ("1073741824", Unit.bytes),
    "/s": ("1", Unit.per_second),
    "K/s": ("1e3", Unit.per_second),
    "M/s": ("1e6", Unit.per_second),
}
_PER = {"/min": Decimal(60), "/h": Decimal(3600)}


def duration(text: str) -> timedelta:
    """`1h30m` → 90 minutes. Raises ValueError that says what is understood."""
    if not _DURATION.fullmatch(text.strip()):
        raise ValueError(f"'{text}' is no duration; write it like 30s, 5m, 24h, 7d or 1h30m")
    seconds = sum((Decimal(count) * Decimal(_SPANS[unit]) for count, unit in _PART.findall(text)), Decimal(0))
    return timedelta(milliseconds=int(seconds * 1000))


def amount(given: str | int | float | Decimal) -> Quantity:
    """`1.5%` → 0.015 as a ratio; `100/min` → per second. Raises ValueError that says what is understood."""
    if not isinstance(given, str):
        return Quantity(Decimal(str(given)), Unit.number)
    match = _AMOUNT.fullmatch(given.strip())
    if match is None:
        raise _no_amount(given)
    number, suffix = Decimal(match[1]), match[2]
    if suffix in _PER:
        return Quantity(number / _PER[suffix], Unit.per_second)
    if suffix not in _SCALES:
        raise _no_amount(given)
    factor, unit = _SCALES[suffix]
    try:
        return Quantity(number * Decimal(factor), unit)
    except InvalidOperation:
        raise _no_amount(given) from None


def _no_amount(given: str) -> ValueError:
    return ValueError(
        f"'{given}' is no amount; write it like 0.5%, 300ms, 2s, 1GB, 776K, 10/s, 100/min or 42"
    )


def _checked_duration(text: str) -> str:
    duration(text)
    return text


def _checked_amount(given: str | int | float | Decimal) -> str | int | float | Decimal:
    amount(given)
    return given


Duration = Annotated[str, AfterValidator(_checked_duration)]
Amount = Annotated[str | int | float | Decimal, AfterValidator(_checked_amount)]


def plain(number: Decimal) -> str:
    """The shortest exact decimal, never with an exponent: PromQL and people read it alike.

    A number without an end in decimal (100 per minute) is cut at 12 significant digits.
    """
    if len(number.as_tuple().digits) > 12:
        number = Decimal(f"{number:.12g}")
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def span(time: timedelta) -> str:
    """A duration as Prometheus writes it: `1h30m`, `15s`, `750ms`; zero is `0s`."""
    rest = round(time.total_seconds() * 1000)
    parts = []
    for name, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts) or "0s"


def seconds(time: timedelta) -> Decimal:
    """A duration in seconds, exact to the millisecond."""
    return Decimal(round(time.total_seconds() * 1000)) / 1000


def show(value: Decimal, unit: Unit) -> str:
    """A base-unit number in the words a person would use."""
    if unit is Unit.ratio:
        return f"{plain(value * 100)} %"
    if unit is Unit.seconds:
        return f"{plain(value * 1000)} ms" if abs(value) < 1 else f"{plain(value)} s"
    if unit is Unit.per_second:
        return f"{plain(value)}/s" if value == 0 or value >= 1 else f"{plain(value * 60)}/min"
    if unit is Unit.bytes:
        for name, size in (("TB", 12), ("GB", 9), ("MB", 6), ("KB", 3)):
            if abs(value) >= Decimal(10) ** size:
                return f"{plain(value.scaleb(-size))} {name}"
        return f"{plain(value)} B"
    return plain(value)
