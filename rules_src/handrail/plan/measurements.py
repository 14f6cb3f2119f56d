"""What is measured: one dataclass per kind, every window and selector resolved."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from handrail.plan.measure_base import ForEach, MeasureBase
from handrail.plan.selectors import Op, Selector
from handrail.plan.series_measurements import SeriesMeasure


@dataclass(frozen=True)
class Ratio(ForEach):
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
class Latency(ForEach):
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
class SlowerThan(ForEach):
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
class Increase(ForEach):
    """How many events in `window`, of several counters added up; a new series counts from zero.

    With `bound`, only slow observations count.
    """

    counters: tuple[Selector, ...]
    window: timedelta
    bound: Decimal | None = None


@dataclass(frozen=True)
class Rate(ForEach):
    """Events per second over `window`, of several counters added up."""

    counters: tuple[Selector, ...]
    window: timedelta


@dataclass(frozen=True)
class Gauge(ForEach):
    """A gauge over its series, times `scale`; with a window, each series' extreme within it.

    It cannot be below `least` (before scaling).
    """

    metric: Selector
    over: str
    scale: Decimal
    window: timedelta | None = None
    least: Decimal | None = None


@dataclass(frozen=True)
class Usage(ForEach):
    """used / size, each of several gauges added up: of all together or, if `over` is max, of the fullest.

    With `left` the first is what is left of the size, and the value 1 less that share. A size that is one of `unlimited` says that there is no limit.
    """

    used: tuple[Selector, ...]
    size: tuple[Selector, ...] | Decimal
    over: str = "sum"
    unlimited: tuple[Decimal, ...] = ()
    left: bool = False


@dataclass(frozen=True)
class State(MeasureBase):
    """1 for the state something is in, kept apart by `label`."""

    metric: Selector
    label: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The label that names the state."""
        return (self.label,)


@dataclass(frozen=True)
class StateChanges(MeasureBase):
    """How often a state, which `label` names, changed in `window`."""

    metric: Selector
    window: timedelta
    label: str


@dataclass(frozen=True)
class While(MeasureBase):
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
class Growth(ForEach):
    """By how much a gauge grew in `window`."""

    metric: Selector
    window: timedelta


@dataclass(frozen=True)
class ArmVersion:
    """The recorded series that says by its `label` which version an arm is."""

    label: str
    series: Selector


@dataclass(frozen=True)
class Absence(MeasureBase):
    """1 while no series was seen for `window`, else 0; with `arm` none of the version that it is."""

    metric: Selector
    window: timedelta
    arm: ArmVersion | None = None


@dataclass(frozen=True)
class PromQL(MeasureBase):
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
    | SeriesMeasure
    | Absence
    | PromQL
)
"""Measures without a condition."""

Measure = PlainMeasure | While

EventMeasure = Ratio | Latency | SlowerThan
"""Measures of events: with less than `min_events` of them there is no verdict."""


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
