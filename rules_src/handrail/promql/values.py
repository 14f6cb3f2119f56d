"""Measures of the plan → PromQL text.

Every share is events over events, and every quantile is taken over series that keep `le`. A bad series that does not
exist counts as 0; without traffic there is no sample. A value that is not a number or is impossible (a share above 1, a
size of 0) gives no sample either: it is neither a breach nor a pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.plan import (
    Absence,
    ArmVersion,
    EventMeasure,
    Gauge,
    Growth,
    Increase,
    Latency,
    Measure,
    PromQL,
    Rate,
    Ratio,
    Selector,
    SeriesMeasure,
    SlowerThan,
    State,
    StateChanges,
    Usage,
    While,
)
from handrail.promql.aggregated import NUMBERS, aggregated, outside, plausible, scaled
from handrail.promql.buckets import bucket
from handrail.promql.series_values import series_value
from handrail.promql.syntax import by, is_scalar
from handrail.promql.together import together
from handrail.promql.windows import ESTIMATED, EVALUATED, Counted, Estimated
from handrail.units import plain, span

SHARES = ">= 0 <= 1"
"""Appended to an expression: keeps only samples that can be a share."""


def traffic(measure: Measure, labels: tuple[str, ...]) -> str | None:
    """Events per second of what the measure judges as Prometheus estimates them, None where it counts no events."""
    apart, judged = labels + measure.labels, measure.inner
    if not isinstance(judged, EventMeasure):
        return None
    if isinstance(judged, Ratio):
        return by("sum", apart, together(judged.whole, lambda one: ESTIMATED.rate(one, judged.window)))
    if judged.native:
        return f"histogram_count({by('sum', apart, ESTIMATED.rate(judged.histogram, judged.window))})"
    return by("sum", apart, ESTIMATED.rate(judged.histogram.suffixed("_count"), judged.window))


def events(measure: Measure, labels: tuple[str, ...], how: Estimated) -> str | None:
    """How many events the measure judges in its window, None where it counts none."""
    apart, judged = labels + measure.labels, measure.inner
    if not isinstance(judged, EventMeasure):
        return None
    if isinstance(judged, Ratio):
        return by("sum", apart, together(judged.whole, lambda one: how.events(one, judged.window)))
    if judged.native:
        # The estimate alone knows native histograms: their values cannot be subtracted before 3.0.
        grown = f"increase({how.over(judged.histogram, judged.window)})"
        return f"histogram_count({by('sum', apart, grown)})"
    return by("sum", apart, how.events(judged.histogram.suffixed("_count"), judged.window))


def counter_of(measure: Measure) -> tuple[tuple[Selector, ...], timedelta] | None:
    """The counters that a measure counts exactly, with their window; None if it counts nothing exactly."""
    counting = measure.inner
    if isinstance(counting, Increase):
        slow = counting.bound is not None
        counters = tuple(one.suffixed("_count") if slow else one for one in counting.counters)
        return counters, counting.window
    if not isinstance(counting, EventMeasure):
        return None
    if isinstance(counting, Ratio):
        return counting.whole, counting.window
    return None if counting.native else ((counting.histogram.suffixed("_count"),), counting.window)


def part_events(measure: Measure, labels: tuple[str, ...], how: Estimated) -> str | None:
    """How many events a share is the share of, None of what is no share."""
    judged, apart = measure.inner, labels + measure.labels
    if not isinstance(judged, Ratio):
        return None
    return by("sum", apart, together(judged.part, lambda one: _events_or_rate(how, one, judged.window)))


def bucket_events(measure: Measure, labels: tuple[str, ...], how: Estimated) -> str | None:
    """How many events lie in each bucket of the histogram of which a quantile is taken, None of what is no such quantile."""
    judged = measure.inner
    if not isinstance(judged, Latency) or judged.native:
        return None
    return _in_buckets(judged, labels + measure.labels, how)


def _in_buckets(measure: Latency, labels: tuple[str, ...], how: Estimated) -> str:
    buckets = measure.histogram.suffixed("_bucket")
    return by("sum", ("le", *labels), _events_or_rate(how, buckets, measure.window))


def value(
    measure: Measure,
    labels: tuple[str, ...],
    event_count: str | None,
    how: Estimated = ESTIMATED,
    counted: Selector | None = None,
) -> str:
    """The measure's value; `event_count` is how many events there were, counted as `how` counts (or `traffic`, estimated).

    `labels` are the arm's; there is a value for each of the measure's own as well. `counted` is recorded: how many of the
    events a share is the share of, or how many lie in each bucket of a quantile's histogram.
    """
    apart = labels + measure.labels
    # The recorded events are one series for each value of these, with the guardrail's labels beside.
    with_events = f"on ({', '.join(apart)}) ({event_count} > 0)"
    if isinstance(measure, SeriesMeasure):
        return series_value(measure, apart, how)
    if isinstance(measure, State | StateChanges | Absence | PromQL):
        return _state(measure, apart, how)
    match measure:
        case Ratio():
            rest = f"on ({', '.join(apart)}) {event_count} * 0"
            inside = counted or part_events(measure, labels, how)
            share = f"({inside} or {rest}) / {with_events}"
            return _valid(how, f"clamp_max({share}, 1)" if measure.beside else share, SHARES)
        case Latency():
            return _valid(how, _latency(measure, apart, with_events, how, counted), NUMBERS)
        case SlowerThan():
            return _valid(how, _slower_than(measure, apart, event_count, with_events, how), SHARES)
        case Increase():
            return _increase(measure, apart, how)
        case Rate(counters, window):
            rates = together(counters, lambda one: how.rate(one, window))
            return _valid(how, by("sum", apart, rates), NUMBERS)
        case Gauge(over=over):
            series = gauge_series(measure, how)
            whole = (
                aggregated(over, apart, series, plausible(measure.least))
                if how.judged
                else by(over, apart, series)
            )
            return scaled(whole, measure.scale)
        case Usage():
            return _usage(measure, apart, how)
        case While(inner, _, _, _):
            joined = f"on ({', '.join(labels + measure.shared)})"
            return f"({value(inner, labels, event_count, how, counted)}) and {joined} ({holds(measure, labels, how)})"
        case Growth(metric, window):
            return by("max", apart, _valid(how, f"delta({how.over(metric, window)})", NUMBERS))


def _state(measure: State | StateChanges | Absence | PromQL, apart: tuple[str, ...], how: Estimated) -> str:
    match measure:
        case State(metric):
            return by("max", apart, _valid(how, how.now(metric), NUMBERS))
        case StateChanges():
            return by("sum", apart, _state_changes(measure, how))
        case Absence():
            return _absence(measure, how)
        case PromQL():
            return _promql(measure, how)


def _state_changes(measure: StateChanges, how: Estimated) -> str:
    """Changes of a series that is 0 or 1 for each state; or, if only the current state has a series, a new series."""
    metric, width = measure.metric, span(measure.window)
    changed = f"changes({how.over(metric, measure.window)})"
    if not how.judged:
        return changed
    before = f"{metric} offset {width}"
    born = f"({metric} == 1 unless {before}) and ignoring ({measure.label}) ({before} == 1)"
    return f"({born}) or {changed} and avg_over_time({how.over(metric, measure.window)}) {NUMBERS}"


def holds(measure: While, labels: tuple[str, ...], how: Estimated = ESTIMATED) -> str:
    """A sample for each arm, and each value of the condition's own labels, while the condition of the measure holds."""
    condition = value(measure.condition, labels, None, Estimated(how.ago))
    return f"{condition} {measure.op} {plain(measure.bound)}"


def holds_not(measure: While, labels: tuple[str, ...]) -> str:
    """The same while it is known not to hold."""
    return holds(replace(measure, op=measure.op.opposite), labels)


def _valid(how: Estimated, expr: str, limits: str) -> str:
    return f"{expr} {limits}" if how.judged else expr


def _events_or_rate(how: Estimated, counter: Selector, window: timedelta) -> str:
    return how.events(counter, window) if how.judged else how.rate(counter, window)


def gauge_series(measure: Gauge, how: Estimated) -> str:
    if measure.window is None:
        return how.now(measure.metric)
    extreme = "min_over_time" if measure.over == "min" else "max_over_time"
    return f"{extreme}({how.over(measure.metric, measure.window)})"


def _usage(measure: Usage, labels: tuple[str, ...], how: Estimated) -> str:
    """How full it is. If one of several gauges is missing there is no value."""
    used = [how.now(one) for one in measure.used]
    size = [] if isinstance(measure.size, Decimal) else [how.now(one) for one in measure.size]
    figure = plain(measure.size) if isinstance(measure.size, Decimal) else ""
    if measure.over == "max":
        limits = (" >= 0 < Inf", " > 0 < Inf") if how.judged else ("", "")
        full = f"{_limited(used, limits[0])} / {figure or _limited(size, limits[1])}"
        return by("max", labels, f"1 - {full}" if measure.left else full)
    sums = figure or _added([by("sum", labels, one) for one in size])
    filled = f"{_added([by('sum', labels, one) for one in used])} / {sums}"
    if measure.left:
        filled = f"1 - {filled}"
    if not how.judged:
        return f"({filled})" if measure.left else filled
    odd = [*((one, "> 0 < Inf") for one in size), *((one, ">= 0 < Inf") for one in used)]
    but = (f"unless on ({', '.join(labels)}) ({outside(*one)})" for one in odd)
    return f"({' '.join([filled, *but])})"


def _added(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({' + '.join(parts)})"


def _limited(parts: list[str], limits: str) -> str:
    """The sum of gauges, where each is within the limits."""
    return _added([f"({part}{limits})" if limits else part for part in parts])


def _absence(measure: Absence, how: Estimated) -> str:
    """1 or 0; neither until Prometheus and the rules have run for long enough to know."""
    if measure.arm is not None:
        return _absence_of(measure, measure.arm, how)
    lost = f"count(absent_over_time({how.over(measure.metric, measure.window)}))"
    if isinstance(how, Counted) and how.evaluated is not None:
        times = max(1, int(EVALUATED * Decimal(measure.window / how.every)))
        lost += f" and on () (count_over_time({how.evaluated}[{span(measure.window)}]) >= {times})"
    return f"{lost} or count(last_over_time({how.over(measure.metric, measure.window)})) * 0"


def _absence_of(measure: Absence, arm: ArmVersion, how: Estimated) -> str:
    """The same for the version of an arm: neither 1 nor 0 until it has been that arm's version for long enough."""
    there, known = f"last_over_time({how.over(measure.metric, measure.window)})", str(arm.series)
    if isinstance(how, Counted):
        times = max(1, int(EVALUATED * Decimal(measure.window / how.every)))
        enough = f"count_over_time({how.over(arm.series, measure.window)}) >= {times}"
        known = f"{arm.series} and on ({arm.label}) ({enough})"
    lost = f"count({known} unless on ({arm.label}) {there})"
    return f"{lost} or count({there} and on ({arm.label}) {arm.series}) * 0"


def _promql(measure: PromQL, how: Estimated) -> str:
    """The expression without the labels that alerts set themselves: two series that differ only in them would be one alert."""
    if not how.judged:
        return measure.expr
    return f"{measure.over} without ({', '.join(names.OURS)}) ({promql_then(measure.expr, how)} {NUMBERS})"


def promql_then(expr: str, how: Estimated) -> str:
    vector = f"vector({expr})" if is_scalar(expr) else f"({expr})"
    return f"last_over_time({vector}[1m:1m] offset {span(how.ago)})" if how.ago else vector


def _latency(
    measure: Latency, labels: tuple[str, ...], with_events: str, how: Estimated, counted: Selector | None
) -> str:
    if measure.native:
        grown = by("sum", labels, f"rate({how.over(measure.histogram, measure.window)})")
    elif counted is not None:
        grown = by("sum", ("le", *labels), str(counted))
    else:
        grown = _in_buckets(measure, labels, how)
    quantile = f"histogram_quantile({plain(measure.q)}, {grown})"
    return f"({scaled(quantile, measure.scale)} and {with_events})"


def filled(measure: Measure, labels: tuple[str, ...], event_count: Selector, counted: Selector) -> str:
    """A quantile with fast events added for all that are missing up to `filled_to`; `counted` is recorded of each bucket.

    Events cannot be added to native histograms: they have no such recording.
    """
    if isinstance(measure, While):
        joined = f"on ({', '.join(labels + measure.shared)})"
        inside = filled(measure.measure, labels, event_count, counted)
        return f"({inside}) and {joined} ({holds(measure, labels)})"
    if not isinstance(measure, Latency):
        raise TypeError(f"{type(measure).__name__} is no quantile")
    apart = labels + measure.labels
    missing = f"clamp_min({measure.filled_to} - {by('sum', apart, str(event_count))}, 0)"
    quick = f'label_replace({missing}, "le", "0", "", "")'
    whole = f"{by('sum', ('le', *apart), str(counted))} + on ({', '.join(apart)}) group_left () {missing} or {quick}"
    quantile = f"histogram_quantile({plain(measure.q)}, {whole})"
    return f"({scaled(quantile, measure.scale)}) {NUMBERS}"


def _slower_than(
    measure: SlowerThan, labels: tuple[str, ...], event_count: str | None, with_events: str, how: Estimated
) -> str:
    if measure.native:
        rates = by("sum", labels, f"rate({how.over(measure.histogram, measure.window)})")
        return f"(1 - histogram_fraction(0, {plain(measure.bound)}, {rates}) and {with_events})"
    quick = by("sum", labels, _events_or_rate(how, bucket(measure.histogram, measure.bound), measure.window))
    # The slow ones over all: 1 - 95/100 is a hair more than 5/100, and a share of 5 % is not above 5 %.
    return f"({event_count} - on ({', '.join(labels)}) {quick}) / {with_events}"


def _increase(measure: Increase, labels: tuple[str, ...], how: Estimated) -> str:
    def grown(of: Callable[[Selector], Selector]) -> str:
        return by("sum", labels, together(measure.counters, lambda one: how.events(of(one), measure.window)))

    bound = measure.bound
    if bound is None:
        return _valid(how, grown(lambda one: one), NUMBERS)
    every, quick = grown(lambda one: one.suffixed("_count")), grown(lambda one: bucket(one, bound))
    # Two sums of floats may differ by a hair where they are equal: a thousandth of an event is none.
    return _valid(how, f"round({every} - {quick}, 0.001)", NUMBERS)
