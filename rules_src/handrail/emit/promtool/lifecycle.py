"""When a condition holds → when its alert fires: `for` and `keep_firing_for`, as rules/alerting.go has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from handrail.emit.promtool.series import Labels


@dataclass
class _Active:
    since: int
    value: float
    firing: bool = False
    absent_since: int | None = None


Firing = dict[Labels, float]
"""The alerts that fire, each with the value its texts show."""


def firing(
    breaches: Iterable[tuple[int, Mapping[Labels, float]]], hold: int, keep: int
) -> Iterator[tuple[int, Firing]]:
    """At every evaluation, what fires. All times in ms."""
    active: dict[Labels, _Active] = {}
    for time, found in breaches:
        if not found and not active:
            yield time, {}
            continue
        for labels, value in found.items():
            one = active.setdefault(labels, _Active(time, value))
            one.value, one.absent_since = value, None
        for labels in [labels for labels in active if labels not in found]:
            one = active[labels]
            since = one.absent_since = time if one.absent_since is None else one.absent_since
            if not one.firing or time - since >= keep:
                del active[labels]
        for one in active.values():
            one.firing = one.firing or time - one.since >= hold
        yield time, {labels: one.value for labels, one in active.items() if one.firing}
