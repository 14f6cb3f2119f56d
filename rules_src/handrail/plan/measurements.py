"""What is measured: one dataclass per kind, every window and selector resolved."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, cast

from handrail.plan.selectors import Op, Selector
from handrail.units import plain


class _Measure:
    """What every measure can say of itself."""

    @property
    def inner(self) -> PlainMeasure:
        """The measure itself, without the condition it is bound to."""
        return cast("PlainMeasure", self)

    @property
    def width(self) -> timedelta:
        """The window over which the measure itself looks back; zero where it has none."""
        return getattr(self.inner, "window", None) or timedelta()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels by which the series of its value differ, beside the arm's."""
        return ()


@dataclass(frozen=True, kw_only=True)
class _ForEach(_Measure):
    """What is measured for each value of the labels in `by`."""

    by: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Those of `by`."""
        return self.by


@dataclass(frozen=True)
class Ratio(_ForEach):
    """part / whole over `window`, each of several counters added up; `bad` says whether the part is what should not happen.

    A part that is counted `beside` the whole may be more, which is all of it.
    """

    part: tuple[Selector, ...]
    whole: tuple[Selector, ...]
    window: timedelta
    min_events: int
    min_bad: int
    bad: bool
    beside: bool = False


LEAST_BAD = 10
"""So many bad events are no chance, however few events there are."""


@dataclass(frozen=True)
class Latency(_ForEach):
    """The `q` quantile (0..1) of a histogram, times `scale` to get seconds."""

    histogram: Selector
    q: Decimal
    window: timedelta
    min_events: int
    scale: Decimal
    native: bool
    buckets: tuple[Decimal, ...]

    @property
    def filled_to(self) -> int:
        """Up to so many events it is filled with quick ones where there are fewer than `min_events`.

        Then at least ten of those that there are lie beyond what it says.
        """
        return max(self.min_events, -int(-LEAST_BAD // (1 - self.q)))

    @property
    def least_slow(self) -> int:
        """So many slow events decide it though there are fewer than `min_events`."""
        return int((1 - self.q) * self.filled_to) + 1


@dataclass(frozen=True)
class SlowerThan(_ForEach):
    """The share of observations above `bound` (in the histogram's own unit; times `scale` in seconds)."""

    histogram: Selector
    bound: Decimal
    window: timedelta
    min_events: int
    min_bad: int
    scale: Decimal
    native: bool
    buckets: tuple[Decimal, ...]


@dataclass(frozen=True)
class Increase(_ForEach):
    """How many events in `window`, of several counters added up; a new series counts from zero.

    With `bound`, only slow observations count.
    """

    counters: tuple[Selector, ...]
    window: timedelta
    bound: Decimal | None = None


@dataclass(frozen=True)
class Rate(_ForEach):
    """Events per second over `window`, of several counters added up."""

    counters: tuple[Selector, ...]
    window: timedelta


@dataclass(frozen=True)
class Gauge(_ForEach):
    """A gauge over its series, times `scale`; with a window, each series' extreme within it.

    It cannot be below `least` (before scaling).
    """

    metric: Selector
    over: str
    scale: Decimal
    window: timedelta | None = None
    least: Decimal | None = None


@dataclass(frozen=True)
class Usage(_ForEach):
    """used / size, each of several gauges added up: of all together or, if `over` is max, of the fullest.

    With `left` the first is what is left of the size, and the value 1 less that share. A size that is one of `unlimited` says that there is no limit.
    """

    used: tuple[Selector, ...]
    size: tuple[Selector, ...] | Decimal
    over: str = "sum"
    unlimited: tuple[Decimal, ...] = ()
    left: bool = False


@dataclass(frozen=True)
class State(_Measure):
    """1 for the state something is in, kept apart by `label`."""

    metric: Selector
    label: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The label that names the state."""
        return (self.label,)


@dataclass(frozen=True)
class StateChanges(_Measure):
    """How often a state, which `label` names, changed in `window`."""

    metric: Selector
    window: timedelta
    label: str


@dataclass(frozen=True)
class While(_Measure):
    """`measure` while `condition op bound` (op: above or at_most)."""

    measure: Measure
    condition: Measure
    op: Op
    bound: Decimal

    @property
    def inner(self) -> PlainMeasure:
        """The measure without its condition."""
        return self.measure.inner

    @property
    def labels(self) -> tuple[str, ...]:
        """Those of the measure itself."""
        return self.inner.labels

    @property
    def shared(self) -> tuple[str, ...]:
        """The labels for each of whose values the condition is judged by itself: those that both have."""
        return tuple(label for label in self.labels if label in self.condition.labels)


@dataclass(frozen=True)
class Growth(_ForEach):
    """By how much a gauge grew in `window`."""

    metric: Selector
    window: timedelta


@dataclass(frozen=True)
class ArmVersion:
    """The recorded series that says by its `label` which version an arm is."""

    label: str
    series: Selector


@dataclass(frozen=True)
class Difference(_ForEach):
    """`metric` minus `minus`, each over its series, times `scale`; `absolute` is by how much they differ.

    Neither can be below `least` (before scaling).
    """

    metric: Selector
    minus: Selector
    over: str
    scale: Decimal
    absolute: bool = False
    least: Decimal | None = None


class Zero(StrEnum):
    """What a timestamp of 0 means."""

    long_ago = "long ago"
    no_data = "no data"
    left_out = "left out"


@dataclass(frozen=True)
class Timestamp(_ForEach):
    """What Age and TimeUntil have in common: the time between now and a timestamp, over its series.

    Times `scale` the timestamp is in seconds; `until` says whether it is expected to lie ahead.
    """

    __match_args__ = ("metric", "until", "over", "scale", "zero")
    until: ClassVar[bool]
    metric: Selector
    over: str
    scale: Decimal
    zero: Zero


@dataclass(frozen=True)
class Age(Timestamp):
    """How long ago a timestamp was."""

    until: ClassVar[bool] = False


@dataclass(frozen=True)
class TimeUntil(Timestamp):
    """The time until a timestamp, negative once it has passed."""

    until: ClassVar[bool] = True


@dataclass(frozen=True)
class Comparison:
    """A comparison with a number: `> 0`."""

    op: str
    figure: Decimal

    def __str__(self) -> str:
        return f"{self.op} {plain(self.figure)}"


@dataclass(frozen=True)
class Count(_ForEach):
    """How many series there are `where` that holds, or how many values of a label (`distinct`).

    Where none is, and `presence` is there, it is 0. With a `window` how many there were in it, if `presence` was there for
    nearly all of it and no sample of `silent` says that its source stopped.
    """

    series: Selector
    where: Comparison | None = None
    distinct: str | None = None
    presence: Selector | None = None
    window: timedelta | None = None
    silent: str = ""

    @property
    def seen(self) -> Selector:
        """The series among which it counts: of distinct values of a label, those that have it."""
        return self.series if self.distinct is None else self.series.where((self.distinct, "!=", ""))


@dataclass(frozen=True)
class Forecast(_ForEach):
    """What a gauge, over its series, times `scale`, will be `ahead` from now, as its last `window` goes on."""

    metric: Selector
    window: timedelta
    ahead: timedelta
    over: str
    scale: Decimal


@dataclass(frozen=True)
class Changes(_ForEach):
    """How often a gauge changed in `window`, over its series; with `resets` only how often it fell."""

    metric: Selector
    window: timedelta
    over: str
    resets: bool = False


@dataclass(frozen=True)
class Absence(_Measure):
    """1 while no series was seen for `window`, else 0; with `arm` none of the version that it is."""

    metric: Selector
    window: timedelta
    arm: ArmVersion | None = None


@dataclass(frozen=True)
class PromQL(_Measure):
    """A user's own expression. Of series that differ only in labels that alerts set themselves, `over` (max or min) counts."""

    expr: str
    over: str = "max"


PlainMeasure = (
    Ratio
    | Latency
    | SlowerThan
    | Increase
    | Rate
    | Gauge
    | Usage
    | State
    | StateChanges
    | Growth
    | Difference
    | Age
    | TimeUntil
    | Count
    | Forecast
    | Changes
    | Absence
    | PromQL
)
"""Measures without a condition."""

Measure = PlainMeasure | While

EventMeasure = Ratio | Latency | SlowerThan
"""Measures of events: with less than `min_events` of them there is no verdict."""

SeriesMeasure = Difference | Age | TimeUntil | Count | Forecast | Changes
"""Measures of what single series show now, or showed lately: their values, how many there are, how they move."""


def narrowed(measure: Measure, *more: tuple[str, str, str]) -> Measure:
    """The same measure with these matchers on every series it looks at."""
    inside: dict[str, Any] = {}
    for field in fields(measure):
        value = getattr(measure, field.name)
        if isinstance(value, Selector):
            inside[field.name] = value.where(*more)
        elif isinstance(value, tuple) and all(isinstance(one, Selector) for one in value):
            inside[field.name] = tuple(one.where(*more) for one in value)
        elif isinstance(value, Measure):
            inside[field.name] = narrowed(value, *more)
    return replace(measure, **inside)
