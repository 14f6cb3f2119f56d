"""What a guardrail measures: typed, so that a share is always bad over total in a window and never a raw counter.

A `Series` argument is a PromQL series selector: `http_requests_total{status=~"5.."}`. Each measure says what
its value is and in which unit the limits are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from handrail.base import declared
from handrail.declare.field_types import AnyMeasure as _Measure
from handrail.declare.field_types import Buckets, Labels, Percentile, Series, Several
from handrail.declare.series_measures import Age, Changes, Count, Difference, SeriesMeasure, TimeUntil
from handrail.units import Amount, Period


@declared
class Ratio(_Measure):
    """A share of events, 0..1 (limits in %): `bad / of` or `good / of`, both counted over `window`.

    With `by` there is a share for each value of these labels, and each needs its own `min_events`.

    With fewer than `min_events` events of `of` in the window there is no verdict, neither breach nor pass. The exception:
    if at least `min_bad` of them are bad, and would break a fixed limit even among `min_events`, it is a breach.
    A bad series that does not exist counts as 0; a new one counts from zero, as with Increase. Each may be a list of
    series, which are added up: a missing one counts as 0, and if none of `of` exists there is no data.

    A share above 100 % is impossible: the guardrail is blind. `good` events that are counted separately, such as the log entries of
    changes, may outnumber all events: with `beside=True` that is 100 %.
    """

    of: Series | Several
    bad: Series | Several | None = Field(default=None, kw_only=True)
    good: Series | Several | None = Field(default=None, kw_only=True)
    window: Period = Field(default="5m", kw_only=True)
    by: Labels = Field(default=(), kw_only=True)
    min_events: Annotated[int, Field(ge=1)] = Field(default=100, kw_only=True)
    min_bad: Annotated[int, Field(ge=1)] = Field(default=10, kw_only=True)
    beside: bool = Field(default=False, kw_only=True)

    @model_validator(mode="after")
    def _one_part(self) -> Ratio:
        if (self.bad is None) == (self.good is None):
            raise ValueError("a ratio has one part over the whole; give either bad= or good=")
        if self.beside and self.good is None:
            raise ValueError(
                "beside= is for good events that are counted separately; write good=, or leave beside= out"
            )
        return self


@declared
class Latency(_Measure):
    """A quantile of a histogram in seconds (limits like 300ms): `p` is a percentile, 95 or 99.9.

    `unit` is the unit the metric is exported in; `native=True` reads a native histogram. With `by` there is a quantile
    for each value of these labels. With fewer than `min_events` observations in the window there is no verdict. The
    exception: if at least eleven of them are above an upper limit, and so many that the quantile would be above it even if
    all missing observations were fast, it is a breach. Native histograms have no such exception.
    """

    histogram: Series
    p: Percentile
    window: Period = Field(default="5m", kw_only=True)
    by: Labels = Field(default=(), kw_only=True)
    unit: Literal["s", "ms"] = Field(default="s", kw_only=True)
    native: bool = Field(default=False, kw_only=True)
    min_events: Annotated[int, Field(ge=1)] = Field(default=100, kw_only=True)
    buckets: Buckets = Field(default=(), kw_only=True)


@declared
class SlowerThan(_Measure):
    """The share of observations slower than `bound`, 0..1 (limits in %); the bound must be a bucket boundary.

    It is better than a quantile where counts are small, because it never interpolates. With `by` there is a share for
    each value of these labels. `min_events` and `min_bad` work as in a Ratio; slow observations are the bad ones.
    """

    histogram: Series
    bound: Period
    window: Period = Field(default="5m", kw_only=True)
    by: Labels = Field(default=(), kw_only=True)
    unit: Literal["s", "ms"] = Field(default="s", kw_only=True)
    native: bool = Field(default=False, kw_only=True)
    min_events: Annotated[int, Field(ge=1)] = Field(default=100, kw_only=True)
    min_bad: Annotated[int, Field(ge=1)] = Field(default=10, kw_only=True)
    buckets: Buckets = Field(default=(), kw_only=True)


@declared
class Increase(_Measure):
    """How many events were counted in `window` (limits are plain numbers): for "there must be none".

    Events are counted, not estimated: three events are 3. A series that first appears above zero counts from zero if its
    target answered scrapes before, or is a new target of its job. The values of an exporter that comes back or moves are
    old and do not count; a counter that restarts counts on. `slower_than` counts only slow observations of a histogram
    whose bucket boundaries are `buckets`, exported in `unit`. With `by` the events are counted for each value of these
    labels separately. `counter` may be a list of series, as in a Ratio.
    """

    counter: Series | Several
    window: Period = Field(default="5m", kw_only=True)
    by: Labels = Field(default=(), kw_only=True)
    slower_than: Period | None = Field(default=None, kw_only=True)
    unit: Literal["s", "ms"] = Field(default="s", kw_only=True)
    buckets: Buckets = Field(default=(), kw_only=True)


@declared
class Rate(_Measure):
    """Events per second (limits like 10/s or 100/min) over `window`, for each value of the labels in `by`.

    A series that is younger than the window shows too low a rate; this never counts as a drop. `counter` may be a list of series, as
    in a Ratio: `["sign_ins_refused_total", "sign_ins_refused"]` reads a counter by its new name and its old one.
    """

    counter: Series | Several
    window: Period = Field(default="5m", kw_only=True)
    by: Labels = Field(default=(), kw_only=True)


@declared
class Gauge(_Measure):
    """The value of a gauge, aggregated over its series by `over`, for each value of the labels in `by`.

    With a `window` it takes the highest value of each series within it (with `over="min"`, the lowest).
    """

    metric: Series
    over: Literal["max", "min", "sum", "avg"] = Field(default="max", kw_only=True)
    window: Period | None = Field(default=None, kw_only=True)
    by: Labels = Field(default=(), kw_only=True)
    unit: Literal["number", "ratio", "percent", "seconds", "milliseconds", "bytes", "per second"] = Field(
        default="number", kw_only=True
    )


@declared
class Usage(_Measure):
    """How full something is (limits in %): used / size; `size` is a series or a plain number.

    It may exceed 100 %, because more may be used than was requested.

    `over="sum"` divides the sum of what is used by the sum of sizes. `over="max"` is the fullest of several that each
    have their own `size`, like the connection pools of five processes. A size of 0 or less is no data. A size in
    `unlimited` (0 or -1 in many exporters) means that there is no limit, which is neither a breach nor blind.

    Each may be a list of series, which are added up; all of them must exist. With `left=True` the first says how much
    is free, as node_exporter does for memory and disks; the value is still how full it is.
    """

    used: Series | Several
    size: Series | Several | Annotated[int, Field(gt=0)] | Annotated[float, Field(gt=0)]
    left: bool = Field(default=False, kw_only=True)
    over: Literal["sum", "max"] = Field(default="sum", kw_only=True)
    by: Labels = Field(default=(), kw_only=True)
    unlimited: Sequence[Annotated[float, Field(le=0)]] = Field(default=(), kw_only=True)


@declared
class State(_Measure):
    """The state of something: a series that is 1 for the current value of `label` (limits: Is, Changed)."""

    metric: Series
    label: str = "state"


@declared
class Growth(_Measure):
    """By how much a gauge grew in `window`, in the gauge's unit."""

    metric: Series
    window: Period = Field(default="1h", kw_only=True)
    by: Labels = Field(default=(), kw_only=True)
    unit: Literal["number", "bytes"] = Field(default="number", kw_only=True)


@declared
class While(_Measure):
    """`measure`, but judged only while `condition` is above `above`: no alerts at night when nobody works.

    With `at_most` it is judged only while the condition is at most that: something that grows although nothing happens.
    Labels that both have in `by` join them: each value is judged while its own condition holds.
    """

    measure: Ratio | Latency | SlowerThan | Increase | Rate | Gauge | Usage | Growth | SeriesMeasure
    condition: Rate | Gauge | Usage | Growth | Difference | Age | TimeUntil | Count | Changes = Field(
        kw_only=True
    )
    above: Amount = Field(default=0, kw_only=True)
    at_most: Amount | None = Field(default=None, kw_only=True)

    @property
    def inner(self) -> PlainMeasure:
        """The measure without its condition."""
        return self.measure


@declared
class Absence(_Measure):
    """1 if none of the series has been seen for `window`, else 0 (limit: Above(0))."""

    metric: Series
    window: Period = Field(default="5m", kw_only=True)


@declared
class PromQL(_Measure):
    """Any PromQL expression; Handrail does not check it further. `unit` is the unit of its value.

    Generated tests feed a value in its place: they check the alert's limit and times, and not what the expression
    measures.
    """

    expr: str
    unit: Literal["number", "ratio", "seconds", "bytes", "per second"] = Field(default="number", kw_only=True)

    @model_validator(mode="after")
    def _parses(self) -> PromQL:
        from handrail.promql.syntax import checked  # noqa: PLC0415

        checked(self.expr)
        return self


EventMeasure = Ratio | Latency | SlowerThan
"""Measures of events: with less than `min_events` of them there is no verdict."""
PlainMeasure = (
    Ratio
    | Latency
    | SlowerThan
    | Increase
    | Rate
    | Gauge
    | Usage
    | SeriesMeasure
    | State
    | Growth
    | Absence
    | PromQL
)
"""Measures without a condition."""
Measure = PlainMeasure | While


def window_of(measure: _Measure) -> str | None:
    """The measure's window as written, None where it has none."""
    return getattr(measure.inner, "window", None)
