"""Alertmanager's routes + an alert's labels → the receivers that it is sent to; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from handrail_receiver.catch_up.mutes import Labels, Matcher, Written, older


def _empty(value: object) -> object:
    return () if value is None else value


class Route(BaseModel):
    """One route of the tree. What it does not say it has from the one above."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    receiver: str = ""
    matchers: Annotated[tuple[Written, ...], BeforeValidator(_empty)] = ()
    match: dict[str, str] | None = None
    match_re: dict[str, str] | None = None
    goes_on: bool = Field(default=False, alias="continue")
    routes: Annotated[tuple[Route, ...], BeforeValidator(_empty)] = ()

    def receivers(self, labels: Labels, above: str = "") -> frozenset[str]:
        """Who gets an alert with these labels: the innermost routes that take it, in order, until one does not go on."""
        mine, names = self.receiver or above, set[str]()
        for route in self.routes:
            if route.takes(labels):
                names |= route.receivers(labels, mine)
                if not route.goes_on:
                    break
        return frozenset(names or {mine})

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


def is_ours(receivers: Iterable[str], ours: Collection[str]) -> bool:
    """Whether one of them is ours. Prometheus' operator writes NAMESPACE/NAME/ before what a receiver is called."""
    return any(name in ours or name.rpartition("/")[2] in ours for name in receivers)


def listed(receivers: Iterable[Mapping[str, str]]) -> frozenset[str]:
    """The names in what /api/v2/alerts says of an alert."""
    return frozenset(one.get("name", "") for one in receivers)
