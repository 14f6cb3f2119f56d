"""What fields hold: series, labels, bounds of buckets, percentiles, names of stages.

A `Series` is a PromQL series selector: `http_requests_total{status=~"5.."}`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, cast

from pydantic import AfterValidator, Field

if TYPE_CHECKING:
    from handrail.declare.measures import PlainMeasure


def _series(text: str) -> str:
    from handrail.promql.syntax import selector  # noqa: PLC0415  the parser is loaded by who declares, not by --help

    selector(text)
    return text


Series = Annotated[
    str,
    AfterValidator(_series),
    Field(description='a metric with matchers, like http_requests_total{status=~"5.."}'),
]

Several = Annotated[Sequence[Series], Field(min_length=1, description="a list of them")]


def _bounds(bounds: Sequence[float]) -> Sequence[float]:
    if any(math.isnan(bound) for bound in bounds):
        raise ValueError("a bound is not a number; write the upper bounds of the buckets, like [0.1, 0.5, 1]")
    return tuple(bound for bound in bounds if bound != math.inf)  # every histogram has that one


Buckets = Annotated[Sequence[float], AfterValidator(_bounds)]


def _percentile(percentile: float) -> float:
    if 0 < percentile < 1:
        raise ValueError(
            f"{percentile:g} is {percentile:g} % of the events; write {percentile * 100:g} for the p{percentile * 100:g}"
        )
    return percentile


Percentile = Annotated[float, Field(gt=0, lt=100), AfterValidator(_percentile)]
Label = Annotated[
    str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", description="a label's name: letters, digits and _")
]
Labels = Sequence[Label]


StageName = Annotated[
    str,
    Field(
        pattern=r"""^[^"'`\\{}$|<>\x00-\x1f]+$""",
        max_length=63,
        description="a name without quotes, braces, backslashes, $ and |, like 10%",
    ),
]
"""Also that of a moment of a stage."""


class AnyMeasure:
    """What every measure can say of itself."""

    @property
    def inner(self) -> PlainMeasure:
        """The measure itself, without the condition it is bound to."""
        return cast("PlainMeasure", self)
