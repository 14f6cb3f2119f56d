"""A figure as Prometheus writes it, with its unit → words for people: `8.2 %`, `312 ms`, `600 MB`."""

from __future__ import annotations

import math

SIZES = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0))


def figure(value: str, unit: str) -> str:
    """`0.0823`, `ratio` → `8.23 %`; empty where there is no value."""
    if not value:
        return ""
    number = float(value)
    if not math.isfinite(number):
        return value
    match unit:
        case "ratio":
            return f"{number * 100:.4g} %"
        case "seconds":
            return f"{number * 1000:.4g} ms" if abs(number) < 1 else f"{number:.4g} s"
        case "bytes":
            name, size = next(one for one in SIZES if abs(number) >= one[1] or one[0] == "B")
            return f"{number / size:.4g} {name}"
        case _:
            return f"{number:.6g}"
