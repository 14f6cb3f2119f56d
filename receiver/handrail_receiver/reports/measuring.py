"""A playbook and a time → what Prometheus remembers of each figure: one query for its value, one for what it is made of.

A figure that is made of a part of the time only says so, and from when on there are data: Prometheus may keep its samples
for a shorter time than the report is about.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from handrail.contract import FigureFacts, ObjectiveFacts, Playbook, names

from handrail_receiver.errors import TargetError
from handrail_receiver.outside.prometheus_history import Recorded, Series, Span

AT_ONCE = 4
POINTS = 200
FINEST = timedelta(minutes=1)
NEARLY_ALL = 0.98
"""A figure made of so much of the time is one of all of it: the first samples of a scrape come late."""
A = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}
"""How long each of Prometheus' units is."""
NO_DATA = "Prometheus has no data for this time"


@dataclass(frozen=True)
class Seen:
    """At which of the instants `looked` there were data; `problem` says why nobody knows."""

    looked: Span
    points: tuple[float, ...] = ()
    problem: str = ""

    def part(self, start: datetime, end: datetime) -> float:
        """In which part (0..1) of a time within it there were data."""
        looked = [at for at in self._instants() if start.timestamp() < at <= end.timestamp()]
        seen = set(self.points)
        return sum(at in seen for at in looked) / len(looked) if looked else float(bool(seen))

    @property
    def first(self) -> datetime | None:
        """When there were data first."""
        return datetime.fromtimestamp(min(self.points), UTC) if self.points else None

    def _instants(self) -> list[float]:
        start, step = self.looked.start, self.looked.step
        count = (self.looked.end - start) // step
        return [(start + place * step).timestamp() for place in range(count + 1)]


@dataclass(frozen=True)
class Measured:
    """A figure's value over a time, None where there is none, and then `why`; `part` is how much of the time it is made of."""

    value: float | None
    why: str = ""
    part: float = 1.0
    since: datetime | None = None

    @property
    def partial(self) -> bool:
        """Whether it is made of a part of the time only."""
        return self.value is not None and self.part < NEARLY_ALL


@dataclass(frozen=True)
class Measuring:
    """Asks Prometheus for the figures of one rollout over times within `start` and `end`."""

    recorded: Recorded
    playbook: Playbook
    start: datetime
    end: datetime
    _seen: dict[str, Seen] = field(default_factory=dict)
    _few: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def figures(self, named: Sequence[str], start: datetime, end: datetime) -> dict[str, Measured]:
        """Those of the figures with these names that the playbook has, over one time."""
        wanted = [one for one in self.playbook.figures if one.name in named]
        values = await asyncio.gather(*(self._measured(one, start, end) for one in wanted))
        return {one.name: measured for one, measured in zip(wanted, values, strict=True)}

    async def budgets(self) -> Mapping[str, Measured]:
        """What is left of each objective's error budget at the end."""
        values = await asyncio.gather(*(self._left(one) for one in self.playbook.objectives))
        return {one.name: left for one, left in zip(self.playbook.objectives, values, strict=True)}

    async def _left(self, objective: ObjectiveFacts) -> Measured:
        """Of how much of its window that is made: of the part in which it was recorded."""
        value, why = await self._value(objective.left, self.end)
        if value is None:
            return Measured(None, why)
        begins = window_begins(objective.window, self.end)
        seen = await self._asked(objective.left, begins)
        if seen.problem:
            return Measured(None, f"nobody knows what it is made of: {seen.problem}")
        return Measured(value, "", seen.part(begins, self.end), seen.first)

    async def _measured(self, facts: FigureFacts, start: datetime, end: datetime) -> Measured:
        lasts = int((end - start).total_seconds())
        if lasts < 1:
            return Measured(None, "none of this time has passed yet")
        seen = await self._data(facts)
        value, why = await self._value(facts.over(lasts), end)
        if value is None:
            return Measured(None, why)
        if seen.problem:
            return Measured(None, f"nobody knows what it is made of: {seen.problem}")
        return Measured(value, "", seen.part(start, end), seen.first)

    async def _value(self, expr: str, at: datetime) -> tuple[float | None, str]:
        try:
            async with self._few:
                series = await self.recorded.series(expr, Span(at, at, FINEST))
        except TargetError as error:
            return None, str(error)
        values = [float(value) for one in series for _, value in one.points]
        if len(values) != 1:
            return None, NO_DATA if not values else f"Prometheus answered with {len(values)} values"
        return (values[0], "") if math.isfinite(values[0]) else (None, "it has no finite value")

    async def _data(self, facts: FigureFacts) -> Seen:
        """When there were data for it; figures that are made of the same are asked for once."""
        if facts.seen not in self._seen:
            self._seen[facts.seen] = await self._asked(facts.seen, self.start)
        return self._seen[facts.seen]

    async def _asked(self, expr: str, start: datetime) -> Seen:
        span = spread(start, self.end)
        try:
            async with self._few:
                series = await self.recorded.series(expr, span)
        except TargetError as error:
            return Seen(span, problem=str(error))
        return Seen(span, tuple(sorted(_instants(series))))


def spread(start: datetime, end: datetime) -> Span:
    """The instants at which it is looked for data in a time: `end`, and so many before it as lie in that time."""
    step = max(FINEST, timedelta(seconds=math.ceil((end - start).total_seconds() / POINTS)))
    return Span(end - (end - start) // step * step, end, step)


def window_begins(window: str, end: datetime) -> datetime:
    """When the window of an objective began that ends then: a time like 30d, or the calendar month by UTC."""
    if window == names.MONTH:
        return end.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return end - sum(
        (int(many) * A[unit] for many, unit in re.findall(r"(\d+)([smhdwy])", window)), timedelta()
    )


def _instants(series: Sequence[Series]) -> set[float]:
    return {at for one in series for at, _ in one.points}
