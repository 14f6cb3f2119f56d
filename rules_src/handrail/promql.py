"""Measures of the plan → PromQL text.

Every share is events over events, every quantile is taken of events kept apart by `le`; a bad series that was never
born counts as 0, and no traffic gives no sample. What is no number or cannot be (a share above 1, a size of 0) gives
no sample either: it is neither a breach nor a pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache

import promql_parser

from handrail import names
from handrail.counting import counted
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
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`|#[^\n]*", re.DOTALL)
_OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}

_NO_VALUE = (promql_parser.MatrixSelector, promql_parser.SubqueryExpr, promql_parser.StringLiteral)

NUMBERS = "< Inf > -Inf"
"""Behind an expression: only those of its samples that are numbers."""

SHARES = ">= 0 <= 1"
"""Behind an expression: only those of its samples that can be a share."""

LOOKED = Decimal("0.9")
"""The share of a window in which the rules were evaluated, for an absence in it to be one of the metric's."""


@dataclass(frozen=True)
class Estimated:
    """Events as Prometheus estimates them, now or some time `ago`: for pages, and for what was long ago."""

    ago: timedelta | None = None

    def rate(self, counter: Selector, window: timedelta) -> str:
        """Events per second."""
        return f"rate({self.over(counter, window)})"

    def events(self, counter: Selector, window: timedelta) -> str:
        """Events in the window."""
        return f"increase({self.over(counter, window)})"

    def over(self, series: Selector, window: timedelta) -> str:
        """The samples of a window."""
        return f"{series}[{span(window)}]{self._offset}"

    def now(self, series: Selector) -> str:
        """The sample of now, or of then."""
        return f"{series}{self._offset}"

    @property
    def judged(self) -> bool:
        """Whether the value is compared with a limit, so that what is no number must be left out."""
        return self.ago is not None

    @property
    def _offset(self) -> str:
        return f" offset {span(self.ago)}" if self.ago else ""


@dataclass(frozen=True)
class Recorded(Estimated):
    """Events counted exactly, for what is judged.

    `from_zero` selects the targets on which a born series counts from zero; `looked` is the series that says when
    the rules were evaluated, `every` so often.
    """

    from_zero: Selector | None = None
    looked: Selector | None = None
    every: timedelta = timedelta(seconds=30)

    @property
    def judged(self) -> bool:
        """It is recorded to be judged."""
        return True

    def events(self, counter: Selector, window: timedelta) -> str:
        """Events in the window."""
        return counted(counter, window, self.from_zero)


ESTIMATED = Estimated()


@lru_cache(4096)
def selector(text: str) -> Selector:
    """A user's series selector → Selector. Raises ValueError for anything but a plain instant selector."""
    found = parsed(text)
    if not isinstance(found, promql_parser.VectorSelector) or found.offset or found.at or not found.name:
        raise ValueError(
            f"'{text}' is no series; write a metric name with matchers, like http_requests_total{{status=~\"5..\"}}"
        )
    if found.matchers.or_matchers:
        raise ValueError(
            f"'{text}' joins matchers by `or`, which Prometheus does not know; write one pattern"
        )
    if odd := [one.name for one in found.matchers.matchers if not _LABEL.fullmatch(one.name)]:
        raise ValueError(
            f"'{text}' matches '{odd[0]}', which Prometheus before 3 refuses; write letters, digits and _"
        )
    matchers = tuple(
        (matcher.name, _OPERATORS[str(matcher.op).rpartition(".")[2]], matcher.value)
        for matcher in found.matchers.matchers
    )
    return Selector(found.name, matchers)


def checked(text: str) -> str:
    """`text` itself. Raises ValueError when it is no PromQL, or none that has one value for each series."""
    found = parsed(text)
    while isinstance(found, promql_parser.ParenExpr):
        found = found.expr
    if isinstance(found, _NO_VALUE):
        what, cure = f"'{text}' has no one value for each series", "write rate(), max_over_time() or the like"
        raise ValueError(f"{what}; {cure}")  # noqa: TRY004  pydantic's way
    return text


def parsed(text: str) -> promql_parser.Expr:
    """The syntax of `text`. Raises ValueError when it is no PromQL."""
    try:
        return promql_parser.parse(_STRING.sub(_quoted, text))
    except ValueError as error:
        raise ValueError(f"'{text}' is no PromQL ({error}); correct it") from None


def uncommented(text: str) -> str:
    """`text` without its comments, so that something may stand behind it."""
    return _STRING.sub(lambda found: "" if found[0].startswith("#") else found[0], text).strip()


def _quoted(string: re.Match[str]) -> str:
    """A text between backticks as the parser reads it right: nothing in it is an escape."""
    if not string[0].startswith("`"):
        return string[0]
    raw = string[0][1:-1].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{raw}"'


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
    """Events per second of what the measure judges as Prometheus estimates them, None where it counts no events."""
    match measure:
        case Share(whole=series, window=window):
            return by("sum", labels, ESTIMATED.rate(series, window))
        case Quantile(native=True) | Slow(native=True):
            return f"histogram_count({by('sum', labels, ESTIMATED.rate(measure.histogram, measure.window))})"
        case Quantile() | Slow():
            return by("sum", labels, ESTIMATED.rate(measure.histogram.suffixed("_count"), measure.window))
        case Only():
            return traffic(measure.measure, labels)
        case _:
            return None


def events(measure: Measure, labels: tuple[str, ...], how: Estimated) -> str | None:
    """How many events the measure judges in its window, None where it counts none."""
    match measure:
        case Share(whole=series, window=window):
            return by("sum", labels, how.events(series, window))
        case Quantile(native=True) | Slow(native=True):
            # The estimate alone knows native histograms: their values cannot be subtracted before 3.0.
            grown = f"increase({how.over(measure.histogram, measure.window)})"
            return f"histogram_count({by('sum', labels, grown)})"
        case Quantile() | Slow():
            return by("sum", labels, how.events(measure.histogram.suffixed("_count"), measure.window))
        case Only():
            return events(measure.measure, labels, how)
        case _:
            return None


def counter_of(measure: Measure) -> tuple[Selector, timedelta] | None:
    """The counter by which the targets of a measure are known, with its window; None where nothing is counted exactly."""
    match measure:
        case Share(whole=series, window=window):
            return series, window
        case Quantile(native=False) | Slow(native=False):
            return measure.histogram.suffixed("_count"), measure.window
        case Count(counter, window, bound):
            return (counter if bound is None else counter.suffixed("_count")), window
        case Only():
            return counter_of(measure.measure)
        case _:
            return None


def value(measure: Measure, labels: tuple[str, ...], flow: str | None, how: Estimated = ESTIMATED) -> str:
    """The measure's value; `flow` is how many events there were, counted as `how` counts (or `traffic`, estimated)."""
    # The recorded events are one series for each arm, with the guardrail's labels beside.
    flowing = f"on ({', '.join(labels)}) ({flow} > 0)"
    match measure:
        case Share(part, _, window):
            rest = f"on ({', '.join(labels)}) {flow} * 0"
            share = f"({by('sum', labels, _flow(how, part, window))} or {rest}) / {flowing}"
            return _only(how, share, SHARES)
        case Quantile():
            return _only(how, _quantile(measure, labels, flowing, how), NUMBERS)
        case Slow():
            return _only(how, _slow(measure, labels, flowing, how), SHARES)
        case Count():
            return _count(measure, labels, how)
        case PerSecond(counter, window):
            return _only(how, by("sum", labels, how.rate(counter, window)), NUMBERS)
        case Level(over=over):
            series, wanted = _level(measure, how), labels + measure.by
            level = (
                _together(over, wanted, series, _limits(measure)) if how.judged else by(over, wanted, series)
            )
            return _scaled(level, measure.scale)
        case Fill():
            return _fill(measure, labels + measure.by, how)
        case InState(metric, label):
            return by("max", (*labels, label), _only(how, how.now(metric), NUMBERS))
        case StateChanges(metric, window):
            changed = f"changes({how.over(metric, window)})"
            there = f" and avg_over_time({how.over(metric, window)}) {NUMBERS}" if how.judged else ""
            return by("sum", labels, changed + there)
        case Only(inner, _, _, _):
            joined = f"on ({', '.join(labels)})"
            return f"({value(inner, labels, flow, how)}) and {joined} ({holds(measure, labels, how)})"
        case Grown(metric, window, more):
            return by("max", labels + more, _only(how, f"delta({how.over(metric, window)})", NUMBERS))
        case Gone():
            return _gone(measure, how)
        case Free():
            return _free(measure, how)


def holds(measure: Only, labels: tuple[str, ...], how: Estimated = ESTIMATED) -> str:
    """A sample for each arm while the condition of the measure holds."""
    condition = value(measure.condition, labels, None, Estimated(how.ago))
    return f"{condition} {measure.op} {plain(measure.bound)}"


def watched(measure: Measure, labels: tuple[str, ...], recorded: Selector) -> dict[str, str]:
    """Expressions that have a sample exactly while the measure can see, by the series they look at."""
    match measure:
        case Only():
            # Its own series is silent while the condition does not hold, and that is no blindness.
            inner, condition = measure.measure, there(measure.condition, labels)
            own = there(inner, labels)
            seen = watched(inner, labels, recorded) if events(inner, labels, ESTIMATED) else {own: own}
            return {condition: condition, **seen}
        case Fill(used, size):
            series = [used, *([size] if isinstance(size, Selector) else [])]
            return {str(one): str(one) for one in series}
        case Level() | InState() | StateChanges() | Grown() | Free():
            own = there(measure, labels)
            return {own: own}
        case _:
            return {there(measure, labels): str(recorded)}


def there(measure: Measure, labels: tuple[str, ...], ago: timedelta | None = None) -> str:
    """An expression that has samples while what the measure looks at is there, whatever it says; or was, some time `ago`."""
    how = Estimated(ago)
    match measure:
        case Share(whole=series) | PerSecond(counter=series):
            return how.now(series)
        case Grown(metric=series, window=window):
            return f"delta({how.over(series, window)})"
        case Free(expr):
            return _free_then(expr, how)
        case Quantile(histogram=histogram) | Slow(histogram=histogram):
            return how.now(histogram if measure.native else histogram.suffixed("_count"))
        case Level(metric=series, window=window) if window is not None:
            return f"last_over_time({how.over(series, window)})"
        case Level(metric=series) | InState(metric=series) | StateChanges(metric=series) | Fill(used=series):
            return how.now(series)
        case Only(inner):
            return there(inner, labels, ago)
        case _:
            return value(measure, labels, None, how)


def no_numbers(measure: Measure) -> Iterator[str]:
    """Expressions that have a sample while one of the series that the measure looks at is no number, or cannot be."""
    match measure:
        case Level():
            yield _unless(_level(measure, ESTIMATED), _limits(measure))
        case Fill(used, size):
            yield _unless(str(used), ">= 0 < Inf")
            if isinstance(size, Selector):
                yield " ".join([_unless(str(size), "> 0 < Inf"), *_but_unlimited(measure, ESTIMATED)])
        case InState(metric=series):
            yield _unless(str(series), NUMBERS)
        case StateChanges(metric=series, window=window):
            yield _unless(f"avg_over_time({series}[{span(window)}])", NUMBERS)
        case Grown(metric=series, window=window):
            yield _unless(f"delta({series}[{span(window)}])", NUMBERS)
        case Only(inner, condition, _, _):
            yield from no_numbers(inner)
            yield from no_numbers(condition)
        case Free(expr) if not is_scalar(expr):
            yield _unless(f"({expr})", NUMBERS)
        case _:
            return


def _unless(series: str, limits: str) -> str:
    return f"{series} unless ({series} {limits})"


def _only(how: Estimated, expr: str, limits: str) -> str:
    return f"{expr} {limits}" if how.judged else expr


def _flow(how: Estimated, counter: Selector, window: timedelta) -> str:
    return how.events(counter, window) if how.judged else how.rate(counter, window)


def _level(measure: Level, how: Estimated) -> str:
    if measure.window is None:
        return how.now(measure.metric)
    extreme = "min_over_time" if measure.over == "min" else "max_over_time"
    return f"{extreme}({how.over(measure.metric, measure.window)})"


def _limits(measure: Level) -> str:
    return NUMBERS if measure.least is None else f">= {plain(measure.least)} < Inf"


def _together(over: str, labels: tuple[str, ...], series: str, limits: str) -> str:
    """Several series as one. The highest and the lowest are those of the rest where one is no number; a sum is none."""
    whole = by(over, labels, f"{series} {limits}")
    if over in {"max", "min"}:
        return whole
    return f"({whole} unless on ({', '.join(labels)}) ({_unless(series, limits)}))"


def _fill(measure: Fill, labels: tuple[str, ...], how: Estimated) -> str:
    used, size = how.now(measure.used), measure.size
    whole = plain(size) if isinstance(size, Decimal) else how.now(size)
    if not how.judged and measure.over == "max":
        return by("max", labels, f"{used} / {whole}")
    if measure.over == "max":
        each = whole if isinstance(size, Decimal) else f"({whole} > 0 < Inf)"
        return by("max", labels, f"({used} >= 0 < Inf) / {each}")
    sums = by("sum", labels, whole) if isinstance(size, Selector) else whole
    if not how.judged:
        return f"{by('sum', labels, used)} / {sums}"
    joined = f"unless on ({', '.join(labels)})"
    odd = f" {joined} ({_unless(whole, '> 0 < Inf')})" if isinstance(size, Selector) else ""
    return f"({by('sum', labels, used)} / {sums}{odd} {joined} ({_unless(used, '>= 0 < Inf')}))"


def _but_unlimited(measure: Fill, how: Estimated) -> list[str]:
    size = measure.size
    if isinstance(size, Decimal):
        return []
    return [f"unless {how.now(size)} == {plain(figure)}" for figure in measure.unlimited]


def _gone(measure: Gone, how: Estimated) -> str:
    """Just after Prometheus or the rules began nobody knows yet: then there is neither a 1 nor a 0."""
    lost = f"count(absent_over_time({how.over(measure.metric, measure.window)}))"
    if isinstance(how, Recorded) and how.looked is not None:
        times = max(1, int(LOOKED * Decimal(measure.window / how.every)))
        lost += f" and on () (count_over_time({how.looked}[{span(measure.window)}]) >= {times})"
    return f"{lost} or count(last_over_time({how.over(measure.metric, measure.window)})) * 0"


def _free(measure: Free, how: Estimated) -> str:
    """Labels that alerts set themselves are taken away: two series that differ in them alone would be one alert."""
    if not how.judged:
        return measure.expr
    return f"{measure.over} without ({', '.join(names.OURS)}) ({_free_then(measure.expr, how)} {NUMBERS})"


def _free_then(expr: str, how: Estimated) -> str:
    vector = f"vector({expr})" if is_scalar(expr) else f"({expr})"
    return f"last_over_time({vector}[1m:1m] offset {span(how.ago)})" if how.ago else vector


def is_scalar(expr: str) -> bool:
    """Whether an expression is a number and no vector."""
    return is_number(parsed(expr))


def is_number(expr: promql_parser.Expr) -> bool:
    """Whether what was parsed is a number and no vector."""
    match expr:
        case promql_parser.NumberLiteral():
            return True
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            return is_number(expr.expr)
        case promql_parser.Call():
            return expr.func.name in {"time", "scalar", "pi"}
        case promql_parser.BinaryExpr():
            return is_number(expr.lhs) and is_number(expr.rhs)
        case _:
            return False


def _scaled(expr: str, scale: Decimal) -> str:
    return expr if scale == 1 else f"{expr} * {plain(scale)}"


def _quantile(measure: Quantile, labels: tuple[str, ...], flowing: str, how: Estimated) -> str:
    if measure.native:
        grown = by("sum", labels, f"rate({how.over(measure.histogram, measure.window)})")
    else:
        buckets = measure.histogram.suffixed("_bucket")
        grown = by("sum", ("le", *labels), _flow(how, buckets, measure.window))
    quantile = f"histogram_quantile({plain(measure.q)}, {grown})"
    return f"({_scaled(quantile, measure.scale)} and {flowing})"


def _slow(measure: Slow, labels: tuple[str, ...], flowing: str, how: Estimated) -> str:
    if measure.native:
        rates = by("sum", labels, f"rate({how.over(measure.histogram, measure.window)})")
        return f"(1 - histogram_fraction(0, {plain(measure.bound)}, {rates}) and {flowing})"
    quick = by("sum", labels, _flow(how, bucket(measure.histogram, measure.bound), measure.window))
    return f"1 - {quick} / {flowing}"


def _count(measure: Count, labels: tuple[str, ...], how: Estimated) -> str:
    if measure.bound is None:
        return _only(how, by("sum", labels, how.events(measure.counter, measure.window)), NUMBERS)
    every = by("sum", labels, how.events(measure.counter.suffixed("_count"), measure.window))
    quick = by("sum", labels, how.events(bucket(measure.counter, measure.bound), measure.window))
    # Two sums of floats may differ by a hair where they are equal: a thousandth of an event is none.
    return _only(how, f"round({every} - {quick}, 0.001)", NUMBERS)
