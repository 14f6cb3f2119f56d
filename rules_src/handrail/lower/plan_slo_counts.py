"""An objective's measure → the recordings of each evaluation's errors and events, after those they depend on.

Slices of time are counted like events: at one evaluation in each slice one is counted if its value is known, and one
error if that is not within the limit; at all others none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from handrail import plan
from handrail.contract import names
from handrail.lower.silences import known
from handrail.promql.buckets import bucket
from handrail.promql.counting import targets_from_zero
from handrail.promql.increments import increments
from handrail.promql.presence import present
from handrail.promql.together import together
from handrail.promql.values import counter_of, events, value
from handrail.promql.windows import Counted
from handrail.units import Unit, plain, seconds, span

Labels = tuple[tuple[str, str], ...]


def counted(
    measure: plan.Ratio | plan.SlowerThan | plan.TimeSlices,
    labels: Labels,
    every: timedelta,
    scrape: timedelta,
) -> tuple[plan.Recording, ...]:
    """All recordings of one evaluation; `every` is the interval between two."""
    if isinstance(measure, plan.TimeSlices):
        return tuple(_of_slices(measure, labels, every))
    return _of_events(measure, labels, every, scrape)


def in_month(labels: Labels) -> tuple[plan.Recording, ...]:
    """The same errors and events with the month in which they were."""
    own = matchers(labels)
    return tuple(
        plan.Recording(
            record, f"{plan.Selector(counts, own)} * on () group_left ({names.MONTH}) {this_month()}", labels
        )
        for record, counts in (
            (names.SLO_MONTH_ERRORS, names.SLO_ERRORS),
            (names.SLO_MONTH_TOTAL, names.SLO_TOTAL),
        )
    )


def this_month() -> str:
    """One series, 1, whose label is the number of the month in UTC."""
    return f'count_values("{names.MONTH}", month(vector(time())))'


def matchers(labels: Labels) -> tuple[tuple[str, str, str], ...]:
    """Matchers that select the recorded series with these labels."""
    return tuple((label, "=", text) for label, text in labels)


def slice_signal(
    measure: plan.Measure, labels: Labels, unit: Unit, every: timedelta, stopped: Sequence[plan.Silence]
) -> plan.Signal:
    """The signal with the value by which each slice is judged."""
    own, counter = matchers(labels), counter_of(measure)
    from_zero = plan.Selector(names.SLO_FROM_ZERO, own)
    how = Counted(from_zero=from_zero if counter else None, every=every)
    number, counts = events(measure, (), how), plan.Selector(names.SLO_EVENTS, own)
    recordings = []
    if counter is not None:
        recordings.append(plan.Recording(names.SLO_FROM_ZERO, targets_from_zero(*counter), labels))
    if number is not None:
        recordings.append(plan.Recording(names.SLO_EVENTS, number, labels))
    formula = value(measure, (), str(counts) if number else None, how)
    recordings.append(plan.Recording(names.SLO_VALUE, known(formula, stopped), labels))
    return plan.Signal(
        name="",
        measure=measure,
        unit=unit,
        value=plan.Selector(names.SLO_VALUE, own),
        events=counts if number else None,
        traffic=None,
        by=(),
        recordings=tuple(recordings),
    )


def _of_slices(slices: plan.TimeSlices, labels: Labels, every: timedelta) -> Iterator[plan.Recording]:
    signal, measure = slices.condition.signal, slices.measure
    yield from signal.recordings
    known = str(signal.value)
    if signal.events is not None and isinstance(measure, plan.EventMeasure):
        known = f"({known} and on () {signal.events} >= {measure.min_events})"
    # The evaluations lie `every` so far apart, so exactly one of them is within that time from where a slice begins.
    once = f"(time() % {plain(seconds(slices.length))} < bool {plain(seconds(every))})"
    there = f"count({present(measure, ())}) * 0"
    yield plan.Recording(names.SLO_TOTAL, f"(count({known}) or {there}) * {once}", labels)
    bad = f"count({known} {slices.condition.op} {plain(slices.limit)})"
    none = f"sum({plan.Selector(names.SLO_TOTAL, matchers(labels))}) * 0"
    yield plan.Recording(names.SLO_ERRORS, f"({bad} or {none}) * {once}", labels)


def _of_events(
    measure: plan.Ratio | plan.SlowerThan, labels: Labels, every: timedelta, scrape: timedelta
) -> tuple[plan.Recording, ...]:
    """Errors and events since the last evaluation."""
    own = matchers(labels)
    recorded = plan.Selector(names.SLO_TOTAL, own)
    if isinstance(measure, plan.SlowerThan) and measure.native:
        errors, total = _of_native(measure, recorded, every, scrape)
        return plan.Recording(names.SLO_TOTAL, total, labels), plan.Recording(
            names.SLO_ERRORS, errors, labels
        )
    if isinstance(measure, plan.SlowerThan):
        whole: tuple[plan.Selector, ...] = (measure.histogram.suffixed("_count"),)
        part: tuple[plan.Selector, ...] = (bucket(measure.histogram, measure.bound),)
        bad = False
    else:
        whole, part, bad = measure.whole, measure.part, measure.bad
    from_zero = plan.Selector(names.SLO_FROM_ZERO, own)

    def all_of(counters: Sequence[plan.Selector]) -> str:
        total = together(counters, lambda one: increments(one, every, scrape, from_zero))
        return total if len(counters) == 1 else f"sum{total}"

    some = f"({all_of(part)} or {_none(recorded)})"
    return (
        plan.Recording(names.SLO_FROM_ZERO, targets_from_zero(whole, every), labels),
        plan.Recording(names.SLO_TOTAL, all_of(whole), labels),
        plan.Recording(names.SLO_ERRORS, some if bad else f"sum({recorded}) - {some}", labels),
    )


def _none(recorded: plan.Selector) -> str:
    return f"sum({recorded}) * 0"


def _of_native(
    measure: plan.SlowerThan, recorded: plan.Selector, every: timedelta, scrape: timedelta
) -> tuple[str, str]:
    """The estimate over some scrapes, scaled to one evaluation: older versions cannot subtract native histograms."""
    width = every + 4 * scrape
    grown = f"sum(increase({measure.histogram}[{span(width)}]))"
    total = f"histogram_count({grown}) * {plain(seconds(every))} / {plain(seconds(width))}"
    # The fraction of no events is not a number, and one of these would stay in every window's sum.
    slow = f"1 - histogram_fraction(0, {plain(measure.bound)}, {grown})"
    return f"({slow}) * sum({recorded} > 0) or {_none(recorded)}", total
