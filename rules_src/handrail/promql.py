"""Measures of the plan → PromQL text.

Every share is a rate over a rate, every quantile is taken of a rate kept apart by `le`; a bad series that was
never born counts as 0, no traffic gives no sample, and a counter that appears above zero counts whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache

import promql_parser

from handrail.plan import (
    Count,
    Fill,
    Free,
    Gone,
    Grown,
    InState,
    Level,
    Measure,
    Only,
    PerSecond,
    Quantile,
    Selector,
    Share,
    Slow,
    StateChanges,
)
from handrail.units import plain, span

_LABEL = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")
_OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}

BORN_WITHIN = timedelta(hours=1)
"""A series seen in this time before the window is old: coming back after a gap is no birth."""


@lru_cache(4096)
def selector(text: str) -> Selector:
    """A user's series selector → Selector. Raises ValueError for anything but a plain instant selector."""
    parsed = _parsed(text)
    if not isinstance(parsed, promql_parser.VectorSelector) or parsed.offset or parsed.at or not parsed.name:
        raise ValueError(
            f"'{text}' is no series; write a metric name with matchers, like http_requests_total{{status=~\"5..\"}}"
        )
    if parsed.matchers.or_matchers:
        raise ValueError(
            f"'{text}' joins matchers by `or`, which Prometheus does not know; write one pattern"
        )
    if odd := [one.name for one in parsed.matchers.matchers if not _LABEL.fullmatch(one.name)]:
        raise ValueError(
            f"'{text}' matches '{odd[0]}', which Prometheus before 3 refuses; write letters, digits and _"
        )
    matchers = tuple(
        (matcher.name, _OPERATORS[str(matcher.op).rpartition(".")[2]], matcher.value)
        for matcher in parsed.matchers.matchers
    )
    return Selector(parsed.name, matchers)


def checked(text: str) -> str:
    """`text` itself. Raises ValueError when it is no PromQL."""
    _parsed(text)
    return text


def _parsed(text: str) -> promql_parser.Expr:
    try:
        return promql_parser.parse(text)
    except ValueError as error:
        raise ValueError(f"'{text}' is no PromQL ({error}); correct it") from None


def by(operator: str, labels: tuple[str, ...], inner: str) -> str:
    """`operator by (labels) (inner)`, without the clause where there are no labels."""
    return f"{operator} by ({', '.join(labels)}) ({inner})" if labels else f"{operator}({inner})"


def either(values: Iterable[str]) -> str:
    """A regular expression for exactly these label values."""
    return "|".join(re.escape(value).replace("\\%", "%") for value in values)


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


def traffic(measure: Measure, labels: tuple[str, ...]) -> str | None:
    """Events per second of what the measure judges, None where it counts no events."""
    if isinstance(measure, Share):
        return by("sum", labels, _rate(measure.whole, measure.window))
    if isinstance(measure, Quantile | Slow):
        if measure.native:
            return f"histogram_count({by('sum', labels, _rate(measure.histogram, measure.window))})"
        return by("sum", labels, _rate(measure.histogram.suffixed("_count"), measure.window))
    if isinstance(measure, Only):
        return traffic(measure.measure, labels)
    return None


def value(measure: Measure, labels: tuple[str, ...], events: str | None) -> str:
    """The measure's value; `events` is the recorded traffic of the same signal."""
    # The recorded traffic is one series for each arm, with the guardrail's labels beside.
    flowing = f"on ({', '.join(labels)}) ({events} > 0)"
    match measure:
        case Share(part, _, window):
            rest = f"on ({', '.join(labels)}) {events} * 0"
            return f"({by('sum', labels, _rate(part, window))} or {rest}) / {flowing}"
        case Quantile():
            return _quantile(measure, labels, flowing)
        case Slow():
            return _slow(measure, labels, flowing)
        case Count():
            return _count(measure, labels)
        case PerSecond(counter, window):
            return by("sum", labels, _rate(counter, window))
        case Level(metric, over, more, scale, window):
            extreme = "min_over_time" if over == "min" else "max_over_time"
            series = str(metric) if window is None else f"{extreme}({metric}[{span(window)}])"
            return _scaled(by(over, labels + more, series), scale)
        case Fill():
            return _fill(measure, labels + measure.by)
        case InState(metric, label):
            return by("max", (*labels, label), str(metric))
        case StateChanges(metric, window):
            return by("sum", labels, f"changes({metric}[{span(window)}])")
        case Only(inner, condition, op, bound):
            when = f"{value(condition, labels, None)} {op} {plain(bound)}"
            joined = f"on ({', '.join(labels)})"
            return f"({value(inner, labels, events)}) and {joined} ({when})"
        case Grown(metric, window, more):
            return by("max", labels + more, f"delta({metric}[{span(window)}])")
        case Gone(metric, window):
            return f"count(absent_over_time({metric}[{span(window)}])) or vector(0)"
        case Free(expr):
            return expr


def watched(measure: Measure, labels: tuple[str, ...], recorded: Selector) -> dict[str, str]:
    """Expressions that have a sample exactly while the measure can see, by the series they look at."""
    if isinstance(measure, Only):
        # Its own series is silent while the condition does not hold, and that is no blindness.
        inner, condition = measure.measure, _there(measure.condition, labels)
        own = _there(inner, labels)
        seen = watched(inner, labels, recorded) if traffic(inner, labels) else {own: own}
        return {condition: condition, **seen}
    return {_there(measure, labels): str(recorded)}


def _there(measure: Measure, labels: tuple[str, ...]) -> str:
    """An expression that has samples while what the measure looks at is there, whatever it says."""
    match measure:
        case Share(whole=series) | PerSecond(counter=series) | Grown(metric=series):
            return str(series)
        case Quantile(histogram=histogram) | Slow(histogram=histogram):
            return str(histogram if measure.native else histogram.suffixed("_count"))
        case Level(metric=series, window=None) | InState(metric=series) | StateChanges(metric=series):
            return str(series)
        case _:
            return value(measure, labels, None)


def _fill(measure: Fill, labels: tuple[str, ...]) -> str:
    used, size = measure.used, measure.size
    if measure.over == "max":
        each = plain(size) if isinstance(size, Decimal) else str(size)
        return by("max", labels, f"{used} / {each}")
    whole = plain(size) if isinstance(size, Decimal) else by("sum", labels, str(size))
    return f"{by('sum', labels, str(used))} / {whole}"


def _rate(counter: Selector, window: timedelta) -> str:
    return f"rate({counter}[{span(window)}])"


def _scaled(expr: str, scale: Decimal) -> str:
    return expr if scale == 1 else f"{expr} * {plain(scale)}"


def _quantile(measure: Quantile, labels: tuple[str, ...], flowing: str) -> str:
    source, kept = (
        (measure.histogram, labels)
        if measure.native
        else (measure.histogram.suffixed("_bucket"), ("le", *labels))
    )
    quantile = f"histogram_quantile({plain(measure.q)}, {by('sum', kept, _rate(source, measure.window))})"
    return f"{_scaled(quantile, measure.scale)} and {flowing}"


def _slow(measure: Slow, labels: tuple[str, ...], flowing: str) -> str:
    if measure.native:
        rates = by("sum", labels, _rate(measure.histogram, measure.window))
        return f"1 - histogram_fraction(0, {plain(measure.bound)}, {rates}) and {flowing}"
    quick = by("sum", labels, _rate(bucket(measure.histogram, measure.bound), measure.window))
    return f"1 - {quick} / {flowing}"


def _count(measure: Count, labels: tuple[str, ...]) -> str:
    if measure.bound is None:
        return _counted(measure.counter, measure.window, labels)
    every = _counted(measure.counter.suffixed("_count"), measure.window, labels)
    quick = _counted(bucket(measure.counter, measure.bound), measure.window, labels)
    # Two sums of floats may differ by a hair where they are equal: a thousandth of an event is none.
    return f"round({every} - {quick}, 0.001)"


def _counted(counter: Selector, window: timedelta, labels: tuple[str, ...]) -> str:
    # A birth counts only if Prometheus was awake a window ago: else every series looks new after its outage.
    width = span(window)
    # One that was born and is gone again counts all the same: a process may die of what it counted.
    born = (
        f"last_over_time({counter}[{width}]) "
        f"unless last_over_time({counter}[{span(BORN_WITHIN)}] offset {width})"
    )
    awake = f"count(up offset {width})"
    grown = f"increase({counter}[{width}]) or {counter} * 0"
    return by("sum", labels, f"({born}) and on () {awake} or {grown}")
