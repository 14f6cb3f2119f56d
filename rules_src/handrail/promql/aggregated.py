"""The series that a measure looks at → one value for each group of them, from possible values alone.

A value that is not a number or is impossible (a size of 0) gives no sample: it is neither a breach nor a pass.
"""

from __future__ import annotations

from decimal import Decimal

from handrail.promql.syntax import by
from handrail.units import plain

NUMBERS = "< Inf > -Inf"
"""Appended to an expression: keeps only samples that are numbers."""


def aggregated(over: str, labels: tuple[str, ...], series: str, limits: str) -> str:
    """Several series as one. If one of them is not a number, max and min are taken of the others; a sum or average has
    no value.
    """
    whole = by(over, labels, f"{series} {limits}")
    if over in {"max", "min"}:
        return whole
    return f"({whole} unless on ({', '.join(labels)}) ({outside(series, limits)}))"


def outside(series: str, limits: str) -> str:
    """Those of the series that lie outside of the limits."""
    return f"{series} unless ({series} {limits})"


def plausible(least: Decimal | None) -> str:
    """Appended to an expression: keeps only samples that are numbers, and not below the least there can be."""
    return NUMBERS if least is None else f">= {plain(least)} < Inf"


def scaled(expr: str, scale: Decimal) -> str:
    """The expression times the factor that makes base units of its value."""
    return expr if scale == 1 else f"{expr} * {plain(scale)}"
