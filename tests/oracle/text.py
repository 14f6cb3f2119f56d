"""An alert's template + value and labels → the text that Prometheus makes of it.

The three formats are ported from template/template.go of Prometheus.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

_VALUE = re.compile(r"\{\{ \$value(?: \| (\w+))? \}\}")
_LABEL = re.compile(r"\{\{ \$labels\.(\w+) \}\}")
_LARGE = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("", "m", "u", "n", "p", "f", "a", "z", "y")


def expanded(template: str, value: float, labels: dict[str, str]) -> str:
    """The text of an annotation."""
    text = _VALUE.sub(lambda match: _FORMATS[match[1]](value), template)
    return _LABEL.sub(lambda match: labels.get(match[1], ""), text).replace('{{"{{"}}', "{{")


def humanize(value: float) -> str:
    """`1234567` → `1.235M`."""
    if value == 0 or not math.isfinite(value):
        return _digits(value)
    if abs(value) >= 1:
        power = 0
        while abs(value) >= 1000 and power < len(_LARGE) - 1:
            value, power = value / 1000, power + 1
        return _digits(value) + _LARGE[power]
    number, prefix = _small(value)
    return _digits(number) + prefix


def humanize_percentage(value: float) -> str:
    """`0.0123` → `1.23%`."""
    return _digits(value * 100) + "%"


def humanize_duration(value: float) -> str:
    """`0.25` → `250ms`, `90` → `1m 30s`."""
    if not math.isfinite(value):
        return _digits(value)
    if value == 0:
        return "0s"
    if abs(value) < 1:
        number, prefix = _small(value)
        return f"{_digits(number)}{prefix}s"
    sign, value = ("-", -value) if value < 0 else ("", value)
    whole = int(value)
    seconds, minutes, hours, days = whole % 60, whole // 60 % 60, whole // 3600 % 24, whole // 86400
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    if minutes:
        return f"{sign}{minutes}m {seconds}s"
    return f"{sign}{_digits(value)}s"


def _small(value: float) -> tuple[float, str]:
    power = 0
    while abs(value) < 1 and power < len(_SMALL) - 1:
        value, power = value * 1000, power + 1
    return value, _SMALL[power]


def _digits(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
    return f"{value:.4g}"


_FORMATS: dict[str | None, Callable[[float], str]] = {
    "humanize": humanize,
    "humanizePercentage": humanize_percentage,
    "humanizeDuration": humanize_duration,
    None: lambda value: f"{value:g}",
}
