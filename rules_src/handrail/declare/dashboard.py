"""What else people want to see → Dashboards of Panels. Every guardrail and SLO has its panel without being asked for.

A panel's curves are measures, the same as a guardrail's, so that a share is a share here too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from handrail.base import declared
from handrail.declare.guardrail import Name
from handrail.declare.measures import Labels, Measure
from handrail.units import Duration


@declared
class Panel:
    """Measures drawn together: one, or several by name: `{"p50": Latency("ttfv_ms", p=50), "p95": …}`.

    `by` are the labels whose values get a curve each; where the rollout has arms, each arm gets its own too.
    `show` is how: curves over time, states over time, the figure of now, or a table of it. `limits_of` names
    a guardrail whose limits are drawn as lines.
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

    `last` is how much time it shows, `refresh` how often it asks anew.
    """

    name: Name
    title: str | None = None
    panels: Sequence[Panel] = Field(default=(), kw_only=True)
    refresh: Duration = Field(default="30s", kw_only=True)
    last: Duration = Field(default="6h", kw_only=True)
