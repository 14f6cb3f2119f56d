"""A bound of a histogram → the selector of its bucket, however its `le` is written."""

from __future__ import annotations

import re
from decimal import Decimal

from handrail.plan import Selector
from handrail.units import plain


def bucket(histogram: Selector, bound: Decimal) -> Selector:
    """The bucket of a classic histogram at `bound`, however its `le` is written."""
    op, text = _spelt(bound)
    return histogram.suffixed("_bucket").where(("le", op, text))


def le(bound: Decimal) -> str:
    """A bound as Go's client library writes it: the shortest form, `1e+06` from a million and `5e-05` below 0.0001."""
    written = plain(bound)
    exponent = Decimal(written).adjusted()
    if -5 < exponent < 6:
        return written
    digits = written.replace(".", "").strip("0")
    mantissa = f"{digits[0]}.{digits[1:]}".rstrip(".")
    return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02}"


def _spelt(bound: Decimal) -> tuple[str, str]:
    """A matcher for every way in which client libraries and Prometheus itself write a bound.

    Go and Python write a million as `1e+06` (Python ten billions as `1e+010`), Java as `1000000.0` and ten of them as
    `1.0E7`, others as `1000000`; Prometheus since 3.0 writes `1.0` for `1`. Below a thousandth it is `5e-05`,
    `5.0E-5` or `0.00005`.
    """
    written = plain(bound)
    whole = "" if "." in written else r"(\.0)?"
    exponent = Decimal(written).adjusted()
    if -4 < exponent < 6:
        return ("=~", written + whole) if whole else ("=", written)
    digits = written.replace(".", "").strip("0")
    mantissa = digits[0] + (rf"\.{digits[1:]}" if digits[1:] else r"(\.0)?")
    sign = "-" if exponent < 0 else r"\+?"
    return "=~", f"{re.escape(written)}{whole}|{mantissa}[eE]{sign}0*{abs(exponent)}"
