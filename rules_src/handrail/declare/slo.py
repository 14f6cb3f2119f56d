"""An objective over a long time → one Slo: error budget and burn-rate alerts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from handrail.base import declared
from handrail.declare.guardrail import Name, Runbook
from handrail.declare.measures import Ratio, SlowerThan
from handrail.units import Share


@declared
class Slo:
    """`objective` of the events must be good over `window`; the rest is the error budget.

    The alerts burn through the budget by the multi-window, multi-burn-rate scheme of the Google SRE Workbook
    (chapter 5): 14.4x over 1 h and 6x over 6 h are critical, 3x over 1 d and 1x over 3 d are warnings, each
    confirmed over a twelfth of its window; with less than the measure's `min_events` in it, a window says nothing. A
    measure with an arm judges the whole service.
    """

    name: Name
    measure: Ratio | SlowerThan
    objective: Share = Field(kw_only=True)
    window: Literal["30d", "28d", "7d"] = Field(default="30d", kw_only=True)
    title: str | None = Field(default=None, kw_only=True)
    runbook: Runbook | None = Field(default=None, kw_only=True)
