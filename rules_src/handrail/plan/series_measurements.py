"""What single series show: one dataclass per kind, every window and selector resolved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from handrail.plan.measure_base import ForEach
from handrail.plan.selectors import Selector
from handrail.units import plain


@dataclass(frozen=True)
class Difference(ForEach):
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
class Timestamp(ForEach):
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
class Count(ForEach):
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
class Forecast(ForEach):
    """What a gauge, over its series, times `scale`, will be `ahead` from now, as its last `window` goes on."""

    metric: Selector
    window: timedelta
    ahead: timedelta
    over: str
    scale: Decimal


@dataclass(frozen=True)
class Changes(ForEach):
    """How often a gauge changed in `window`, over its series; with `resets` only how often it fell."""

    metric: Selector
    window: timedelta
    over: str
    resets: bool = False


SeriesMeasure = Difference | Age | TimeUntil | Count | Forecast | Changes
"""Measures of what single series show now, or showed lately: their values, how many there are, how they move."""
