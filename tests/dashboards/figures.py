"""A number in a panel's unit → the text that Grafana would show."""

from __future__ import annotations

import math

_BIG = (("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3))
_BYTES = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0))
_TIMES = (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))
_EVENTS = " c/s"


def shown(value: float, unit: str) -> str:
    """The text; units are called as Grafana calls them."""
    if not math.isfinite(value):
        return "no data"
    match unit:
        case "percentunit":
            return f"{_short(value * 100, 4)}%"
        case "s" | "ms":
            return _sized(value / (1000 if unit == "ms" else 1), _TIMES, " ")
        case "decbytes":
            return _sized(value, _BYTES, " ")
        case "dtdhms":
            return _clock(value)
        case _:
            return _sized(value, (*_BIG, ("", 1.0)), "") + (_EVENTS if unit == "cps" else "")


def _sized(value: float, sizes: tuple[tuple[str, float], ...], between: str) -> str:
    name, size = next((one for one in sizes if abs(value) >= one[1]), sizes[-1])
    if value == 0:
        name, size = next((one for one in sizes if one[1] == 1.0), sizes[-1])
    return f"{_short(value / size)}{between}{name}".strip()


def _short(value: float, most: int = 3) -> str:
    """So many digits, and no zeros behind them."""
    if value == 0:
        return "0"
    digits = max(0, most - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(digits, 4)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _clock(value: float) -> str:
    days, rest = divmod(int(value), 86400)
    hours, rest = divmod(rest, 3600)
    clock = f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
    return f"{days} d {clock}" if days else clock
