"""What single series show: how old they are, how many there are, how two of them differ, how they move.

Beside the events of a service these are what rules about clusters, databases and jobs are written with.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from handrail.base import declared
from handrail.declare.field_types import AnyMeasure, Label, Labels, Series
from handrail.units import Period

GaugeUnit = Literal["number", "ratio", "percent", "seconds", "milliseconds", "bytes", "per second"]
Over = Literal["max", "min", "sum", "avg"]


@declared
class Difference(AnyMeasure):
    """`metric` minus `minus`, in the gauges' unit, for each value of the labels in `by`: replicas wanted and running.

    Both are aggregated by `over` first. With `absolute=True` the value is how much they differ, whichever is greater. A
    group in which only one of the two has series is blind.
    """

    metric: Series
    minus: Series
    over: Over = Field(default="sum", kw_only=True)
    by: Labels = Field(default=(), kw_only=True)
    absolute: bool = Field(default=False, kw_only=True)
    unit: GaugeUnit = Field(default="number", kw_only=True)


Zero = Literal["long ago", "no data", "left out"]


@declared
class Age(AnyMeasure):
    """How long ago a timestamp was (limits like 26h): the last backup, the last run of a job, the oldest message.

    The metric shows Unix time in seconds; `unit="ms"` reads milliseconds. `over="max"` is the oldest of several series,
    `over="min"` the newest. A timestamp of 0 usually means "never": `zero="long ago"` takes it as the year 1970, so that
    a job that never ran breaks every limit; `zero="no data"` makes the guardrail blind; `zero="left out"` judges only the
    others. A timestamp more than five minutes in the future is no data.
    """

    timestamp: Series
    over: Literal["max", "min"] = Field(default="max", kw_only=True)
    by: Labels = Field(default=(), kw_only=True)
    unit: Literal["s", "ms"] = Field(default="s", kw_only=True)
    zero: Zero = Field(default="long ago", kw_only=True)


@declared
class TimeUntil(AnyMeasure):
    """The time until a timestamp (limits like 14d), negative once it has passed: a certificate that expires.

    The metric shows Unix time in seconds; `unit="ms"` reads milliseconds. `over="min"` is the next of several series,
    `over="max"` the last. A timestamp of 0 means "never" in many exporters: `zero="long ago"` takes it as the year 1970,
    so that it breaks every limit; `zero="no data"` makes the guardrail blind; `zero="left out"` judges only the others,
    for what never expires. A timestamp after the year 9999 is no data.
    """

    timestamp: Series
    over: Literal["min", "max"] = Field(default="min", kw_only=True)
    by: Labels = Field(default=(), kw_only=True)
    unit: Literal["s", "ms"] = Field(default="s", kw_only=True)
    zero: Zero = Field(default="long ago", kw_only=True)


def _where(text: str) -> str:
    match = WHERE.fullmatch(text)
    if match is None:
        raise ValueError(
            f"'{text}' is not a comparison with a number; write it like '== 0', '> 0' or '<= 1.5'"
        )
    return f"{match[1]} {match[2]}"


WHERE = re.compile(r"\s*(==|!=|>=|<=|>|<)\s*(-?\d{1,12}(?:\.\d{1,9})?)\s*", re.ASCII)
"""How a figure is compared in `where=`."""

Where = Annotated[
    str, AfterValidator(_where), Field(description="a comparison with a number, like '== 0' or '> 0'")
]


@declared
class Count(AnyMeasure):
    """The number of series, for each value of the labels in `by` (limits are plain numbers).

    `where="== 0"` counts those whose value is 0; the result may then be 0. `distinct="version"` counts the values of that
    label instead: two versions of one program. Without any series there is no data: it is blind, and not 0. `presence` is
    a series like `up` which shows that the exporter of the others is there: while it exists, whatever its value, no series
    means 0. It needs the labels in `by` as well.

    With a `window` it is the number of series that existed at some time within it: users of the last hour. `presence`
    must then have existed for nine tenths of that time, now and at the time that it is compared with; otherwise it is
    blind, because the users of half an hour cannot be compared with those of an hour. It is also blind if the log that
    the series come from was silent in that time (`LogSource(silent_after=…)`).
    """

    series: Series
    where: Where | None = Field(default=None, kw_only=True)
    distinct: Label | None = Field(default=None, kw_only=True)
    presence: Series | None = Field(default=None, kw_only=True)
    window: Period | None = Field(default=None, kw_only=True)
    by: Labels = Field(default=(), kw_only=True)

    @model_validator(mode="after")
    def _windowed(self) -> Count:
        if self.window is not None and self.presence is None:
            raise ValueError(
                "window= needs a series that shows for how much of it the exporter was there; write presence="
            )
        if self.window is not None and self.where is not None:
            raise ValueError(
                "a series has many values in a window, and where= compares one; leave one of the two out"
            )
        return self


@declared
class Forecast(AnyMeasure):
    """What a gauge will show `ahead` from now if its trend of the last `window` goes on: a disk that fills.

    It is the straight line that fits the samples best, in the gauge's unit. Of several series the one nearest to the
    tier's limit counts (the lowest for Below, the highest for Above), unless `over` says otherwise.
    """

    metric: Series
    window: Period = Field(default="6h", kw_only=True)
    ahead: Period = Field(default="24h", kw_only=True)
    over: Over | None = Field(default=None, kw_only=True)
    by: Labels = Field(default=(), kw_only=True)
    unit: GaugeUnit = Field(default="number", kw_only=True)


@declared
class Changes(AnyMeasure):
    """How often a gauge changed from scrape to scrape in `window` (limits are plain numbers): a process that restarts.

    With `resets=True` only decreases count, like the resets of a counter. Of several series the one that changed most
    counts, unless `over` says otherwise. Two changes between two scrapes count as one.
    """

    metric: Series
    window: Period = Field(default="15m", kw_only=True)
    resets: bool = Field(default=False, kw_only=True)
    over: Over = Field(default="max", kw_only=True)
    by: Labels = Field(default=(), kw_only=True)


SeriesMeasure = Difference | Age | TimeUntil | Count | Forecast | Changes
"""Measures of what single series show now, or showed lately."""
