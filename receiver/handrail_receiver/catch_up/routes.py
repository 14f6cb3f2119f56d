"""Alertmanager's routes + an alert's labels → the receivers that it is sent to, and when it is not; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from handrail_receiver.catch_up.mutes import Labels, Matcher, Written, older
from handrail_receiver.catch_up.time_intervals import Intervals, intervals_in

MINUTE = timedelta(minutes=1)


def _empty(value: object) -> object:
    return () if value is None else value


@dataclass(frozen=True)
class Way:
    """Where a route sends an alert: nothing in the intervals `muted`, and nothing outside the intervals `active`."""

    receiver: str
    muted: tuple[str, ...] = ()
    active: tuple[str, ...] = ()

    def is_muted(self, intervals: Intervals, at: datetime) -> bool | None:
        """Whether it sends nothing at an instant; None where an interval cannot be read."""
        inside = _inside(self.muted, intervals, at)
        outside = _inside(self.active, intervals, at) if self.active else True
        if inside is True or outside is False:
            return True
        return None if inside is None or outside is None else False

    def was_muted(self, intervals: Intervals, first: datetime, last: datetime) -> bool | None:
        """Whether it sent nothing from `first` to `last`: what is not sent then is sent once it may be."""
        if not self.muted and not self.active:
            return False
        unsure, at = False, first
        while True:
            muted = self.is_muted(intervals, at)
            if muted is False:
                return False
            unsure |= muted is None
            if at >= last:
                return None if unsure else True
            at = min(last, at.replace(second=0, microsecond=0) + MINUTE)


def _inside(names: Iterable[str], intervals: Intervals, at: datetime) -> bool | None:
    """Whether an instant lies in one of the intervals; None where that depends on one that cannot be read."""
    unsure = False
    for name in names:
        interval = intervals.get(name)
        if interval is None:
            unsure = True
        elif any(one.holds(at) for one in interval):
            return True
    return None if unsure else False


class Route(BaseModel):
    """One route of the tree. What it does not say it has from the one above; its time intervals are its own alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    receiver: str = ""
    matchers: Annotated[tuple[Written, ...], BeforeValidator(_empty)] = ()
    match: dict[str, str] | None = None
    match_re: dict[str, str] | None = None
    goes_on: bool = Field(default=False, alias="continue")
    mute_time_intervals: Annotated[tuple[str, ...], BeforeValidator(_empty)] = ()
    active_time_intervals: Annotated[tuple[str, ...], BeforeValidator(_empty)] = ()
    routes: Annotated[tuple[Route, ...], BeforeValidator(_empty)] = ()

    def ways(self, labels: Labels, above: str = "") -> tuple[Way, ...]:
        """Where an alert with these labels goes: the innermost routes that take it, in order, until one does not go on."""
        mine, ways = self.receiver or above, list[Way]()
        for route in self.routes:
            if route.takes(labels):
                ways += route.ways(labels, mine)
                if not route.goes_on:
                    break
        return tuple(ways) or (Way(mine, self.mute_time_intervals, self.active_time_intervals),)

    def takes(self, labels: Labels) -> bool:
        """Whether an alert goes this way."""
        return all(matcher.takes(labels) for matcher in self.conditions)

    @property
    def conditions(self) -> tuple[Matcher, ...]:
        """What an alert must be to go this way."""
        return (*self.matchers, *older(self.match or {}, self.match_re or {}))

    @property
    def looks_at(self) -> frozenset[str]:
        """The labels that it and the routes below look at."""
        own = {matcher.name for matcher in self.conditions}
        return frozenset(own).union(*(route.looks_at for route in self.routes))


@dataclass(frozen=True)
class Routing:
    """The trees of routes, one of each Alertmanager, and the time intervals that they name."""

    routes: tuple[Route, ...]
    intervals: Intervals = field(default_factory=dict)
    _known: dict[tuple[str, ...], tuple[Way, ...]] = field(default_factory=dict)

    def ways(self, labels: Labels) -> tuple[Way, ...]:
        """Where an alert with these labels goes: the series of a rule mostly differ in what no route looks at."""
        seen = tuple(labels.get(name, "") for name in self._looks_at)
        if seen not in self._known:
            self._known[seen] = tuple(way for route in self.routes for way in route.ways(labels))
        return self._known[seen]

    def was_muted(
        self, labels: Labels, receivers: Collection[str], first: datetime, last: datetime
    ) -> bool | None:
        """Whether time intervals kept it from these receivers from `first` to `last`; None where nobody can say."""
        ways = [way for way in self.ways(labels) if is_ours([way.receiver], receivers)]
        muted = {way.was_muted(self.intervals, first, last) for way in ways}
        if False in muted or not ways:
            return False
        return None if None in muted else True

    @cached_property
    def _looks_at(self) -> tuple[str, ...]:
        return tuple(sorted(frozenset[str]().union(*(route.looks_at for route in self.routes))))


class _Configured(BaseModel):
    model_config = ConfigDict(extra="ignore")
    route: Route


def routing_in(configuration: object) -> Routing:
    """The routes of a configuration. Raises ValidationError."""
    route = _Configured.model_validate(configuration).route
    return Routing((route,), intervals_in(configuration))


def is_ours(receivers: Iterable[str], ours: Collection[str]) -> bool:
    """Whether one of them is ours. Prometheus' operator writes NAMESPACE/NAME/ before what a receiver is called."""
    return any(name in ours or name.rpartition("/")[2] in ours for name in receivers)


def listed(receivers: Iterable[Mapping[str, str]]) -> frozenset[str]:
    """The names in what /api/v2/alerts says of an alert."""
    return frozenset(one.get("name", "") for one in receivers)
