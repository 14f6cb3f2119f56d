"""An objective over a long time → one Slo: error budget and burn-rate alerts, of events or of slices of time."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from handrail.base import declared
from handrail.declare.guardrail import Name
from handrail.declare.limits import Above, AtLeast, AtMost, Below
from handrail.declare.measures import (
    Gauge,
    Increase,
    Latency,
    Rate,
    Ratio,
    SlowerThan,
    Usage,
    window_of,
)
from handrail.declare.runbooks import Runbook
from handrail.units import Share, duration

MONTH = "month"
"""A window that is a calendar month, in UTC."""


def _longer_than_its_alerts(text: str) -> str:
    if text != MONTH and duration(text) <= LONGEST:
        raise ValueError(
            f"'{text}' is too short: its alerts look back over 3 days; write it like 7d or 30d, or month"
        )
    return text


LONGEST = timedelta(days=3)
"""The longest window in which an objective's alerts look at what the budget loses."""
SloWindow = Annotated[
    str,
    AfterValidator(_longer_than_its_alerts),
    Field(description="a duration of more than 3 days, like 30d, or month"),
]
_SHORTEST = timedelta(minutes=5)
"""The shortest window in which an objective's alerts look at what the budget loses: it must hold a slice."""


@declared
class TimeSlices:
    """Slices of time, each of which is good or bad: `TimeSlices(Latency("x_seconds", p=95, window="1m"), good=Below("300ms"))`.

    A slice is as long as the measure's window (a minute if it has none), and at most 5 minutes. It is good when the
    value at its end is within `good`. A slice that cannot be judged (no data, fewer than `min_events`) counts neither as
    good nor as bad.
    """

    measure: Ratio | Latency | SlowerThan | Increase | Rate | Gauge | Usage
    good: Below | AtMost | Above | AtLeast = Field(kw_only=True)

    @model_validator(mode="after")
    def _of_a_service(self) -> TimeSlices:
        if self.measure.by:
            raise ValueError("a slice is of the whole service; leave out by= of its measure")
        if not isinstance(self.good.at, str | int | float) or self.good.otherwise is not None:
            raise ValueError("a slice is good by the same limit in all stages; write one figure in good=")
        if self.length > _SHORTEST:
            raise ValueError(
                f'slices of {window_of(self.measure)} are longer than the 5 minutes that confirm an alert; write window="1m" in its measure'
            )
        return self

    @property
    def length(self) -> timedelta:
        """How long a slice is."""
        return duration(window_of(self.measure) or "1m")


@declared
class Slo:
    """`objective` of the events, or of the slices of time, must be good over `window`; the rest is the error budget.

    The alerts follow the multi-window, multi-burn-rate scheme of the Google SRE Workbook (chapter 5): 2 % of the
    budget gone in 1 h and 5 % in 6 h are critical, 10 % in 1 d and 10 % in 3 d are warnings, each confirmed over a
    twelfth of its window. The burn rates follow from `window`: 14.4, 6, 3 and 1 for 30 days, 43.2, 18, 9 and 3 for 90,
    and 3.36, 1.4, 1 and 1 for 7. A burn rate is never below 1, because at that rate the budget lasts; so the share is more
    than 10 % there (14.3 % in 1 d, 42.9 % in 3 d). A window with fewer events than the measure's `min_events`, or with
    fewer slices than 5 minutes have, is not judged. A measure with an arm judges the whole service.

    With `window="month"` the budget starts again on the first of each month, in UTC. Its alerts look at the same windows,
    and their burn rates are those of 30 days: they say how fast the budget burns now, not how much of it is left. What
    burned in the last days of a month therefore still counts for them in the first days of the next, whose budget is
    whole; and what burns fast on the last day is told although the month will be over first. What is left is in the
    dashboard, and in `handrail:slo:error_ratio{window="month"}`. Prometheus must keep its samples for 31 days.
    """

    name: Name
    measure: Ratio | SlowerThan | TimeSlices
    objective: Share = Field(kw_only=True)
    window: SloWindow = Field(default="30d", kw_only=True)
    title: str | None = Field(default=None, kw_only=True)
    runbook: Runbook | None = Field(default=None, kw_only=True)

    @model_validator(mode="after")
    def _of_all_events(self) -> Slo:
        if not isinstance(self.measure, TimeSlices) and self.measure.by:
            raise ValueError("an objective has one budget for all its events; leave by= out of its measure")
        if isinstance(self.measure, Ratio) and self.measure.beside:
            raise ValueError("beside= does not say which events failed; leave beside= out")
        return self
