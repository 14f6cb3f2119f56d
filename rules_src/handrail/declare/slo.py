"""An objective over a long time → one Slo: error budget and burn-rate alerts."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from handrail.base import declared
from handrail.declare.guardrail import Name, Runbook
from handrail.declare.measures import Ratio, SlowerThan
from handrail.units import Share, duration


def _longer_than_its_alerts(text: str) -> str:
    if duration(text) <= LONGEST:
        raise ValueError(
            f"'{text}' is no longer than the 3 days that its alerts look at; write it like 7d or 30d"
        )
    return text


LONGEST = timedelta(days=3)
"""The longest window in which an objective's alerts look at what the budget loses."""
SloWindow = Annotated[
    str,
    AfterValidator(_longer_than_its_alerts),
    Field(description="a duration of more than 3 days, like 30d"),
]


@declared
class Slo:
    """`objective` of the events must be good over `window`; the rest is the error budget.

    The alerts follow the multi-window, multi-burn-rate scheme of the Google SRE Workbook (chapter 5): 2 % of the
    budget gone in 1 h and 5 % in 6 h are critical, 10 % in 1 d and 10 % in 3 d are warnings, each confirmed over a
    twelfth of its window. The burn rates follow from `window`: 14.4, 6, 3 and 1 for 30 days, 43.2, 18, 9 and 3 for 90,
    and 3.36, 1.4, 1 and 1 for 7. A burn rate is never below 1, because such a budget lasts; so the share is more than
    10 % there (14.3 % in 1 d, 42.9 % in 3 d). A window with less than the measure's `min_events` says nothing. A measure
    with an arm judges the whole service.
    """

    name: Name
    measure: Ratio | SlowerThan
    objective: Share = Field(kw_only=True)
    window: SloWindow = Field(default="30d", kw_only=True)
    title: str | None = Field(default=None, kw_only=True)
    runbook: Runbook | None = Field(default=None, kw_only=True)

    @model_validator(mode="after")
    def _of_all_events(self) -> Slo:
        if self.measure.by:
            raise ValueError("an objective has one budget for all its events; take by= out of its measure")
        return self
