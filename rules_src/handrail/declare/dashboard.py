"""Further dashboards and panels. Every guardrail and SLO has a panel without being declared here.

A panel's curves are measures, the same as a guardrail's, so that a share means the same here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from handrail.base import declared
from handrail.declare.field_types import Labels
from handrail.declare.guardrail import Name
from handrail.declare.measures import Measure
from handrail.units import Duration


@declared
class Panel:
    """Measures drawn together: one, or several by name: `{"p50": Latency("ttfv_ms", p=50), "p95": …}`.

    Each value of the labels `by` gets a curve, and so does each arm if the rollout has arms. `show` is how: curves over
    time, states over time, the current figure, or a table. `limits_of` names a guardrail whose limits are drawn as lines.
    """

    title: str
    curves: Measure | Annotated[Mapping[str, Measure], Field(min_length=1)]
    by: Labels = Field(default=(), kw_only=True)
    show: Literal["curves", "states", "figure", "table"] = Field(default="curves", kw_only=True)
    limits_of: Name | None = Field(default=None, kw_only=True)
    note: str | None = Field(default=None, kw_only=True)


@declared
class Dashboard:
    """A page of panels. The one called `main` is the rollout's own page: its panels follow the guardrails.

    `last` is the time range, `refresh` how often it is updated.
    """

    name: Name
    title: str | None = None
    panels: Sequence[Panel] = Field(default=(), kw_only=True)
    refresh: Duration = Field(default="30s", kw_only=True)
    last: Duration = Field(default="6h", kw_only=True)
