"""A table of metrics → the series that a rollout's sources export, and pages of them as Prometheus scrapes them.

It is made from no query: a panel that asks for a name, a label or a kind that no source has finds nothing in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from handrail import plan

Labels = tuple[tuple[str, str], ...]
Shares = Mapping[str, float]
"""The values of a label, each with the part of the whole (of a gauge: with its factor)."""


class Kind(Enum):
    """How a metric moves."""

    counter = "counter"
    gauge = "gauge"
    histogram = "histogram"


@dataclass(frozen=True)
class Family:
    """A metric of a scrape job: how fast it counts, or what it shows, over all its series; of a gauge each of them.

    Of a histogram `median` is what half of the observations are under.
    """

    job: str
    name: str
    kind: Kind
    level: float
    labels: Mapping[str, Shares] = field(default_factory=dict)
    bounds: tuple[float, ...] = ()
    median: float = 0.0


@dataclass(frozen=True)
class Series:
    """One series: a counter's events per second, a gauge's value. A bucket knows its `bound`, and its family's median."""

    name: str
    labels: Labels
    counter: bool
    level: float
    bound: float | None = None
    median: float = 0.0

    def __str__(self) -> str:
        inner = ",".join(f'{label}="{value}"' for label, value in self.labels)
        return f"{self.name}{{{inner}}}"


def counter(job: str, name: str, per_second: float, **labels: Shares) -> Family:
    """Events per second over all values of the labels."""
    return Family(job, name, Kind.counter, per_second, labels)


def gauge(job: str, name: str, value: float, **labels: Shares) -> Family:
    """A value, times the factors of the labels."""
    return Family(job, name, Kind.gauge, value, labels)


def histogram(
    job: str, name: str, per_second: float, median: float, bounds: tuple[float, ...], **labels: Shares
) -> Family:
    """So many observations per second, in the buckets up to these bounds."""
    return Family(job, name, Kind.histogram, per_second, labels, bounds, median)


def each(*values: str) -> Shares:
    """Label values of a gauge that all show the same."""
    return dict.fromkeys(values, 1.0)


def like(*values: str) -> Shares:
    """Label values of a counter that share it equally."""
    return dict.fromkeys(values, 1 / len(values))


def series_of_sources(families: tuple[Family, ...], jobs: tuple[plan.ScrapeJob, ...]) -> Iterator[Series]:
    """Every series, with the labels that the scrape adds; and `up` of every target."""
    for job in jobs:
        for instance in job.addresses:
            target = dict(job.labels) | {"job": job.job, "instance": instance}
            yield Series("up", tuple(sorted(target.items())), False, 1.0)
            share = _share(job, jobs)
            for family in families:
                if family.job == job.job:
                    yield from _of_target(family, target, share)


def _share(job: plan.ScrapeJob, jobs: tuple[plan.ScrapeJob, ...]) -> float:
    """Which part of the traffic a target has: the canary a tenth."""
    tracks = {dict(one.labels).get("track") for one in jobs if one.job == job.job}
    apart = {"canary": 0.1, "stable": 0.9}.get(dict(job.labels).get("track", ""), 1.0)
    return (apart if len(tracks) > 1 else 1.0) / len(job.addresses)


def _of_target(family: Family, target: dict[str, str], share: float) -> Iterator[Series]:
    sets: list[tuple[dict[str, str], float]] = [(target, 1.0)]
    for label, values in family.labels.items():
        sets = [
            ({**labels, label: value}, factor * part)
            for labels, factor in sets
            for value, part in values.items()
        ]
    for labels, factor in sets:
        known = tuple(sorted(labels.items()))
        level = family.level * factor * (1.0 if family.kind is Kind.gauge else share)
        if family.kind is not Kind.histogram:
            yield Series(family.name, known, family.kind is Kind.counter, level)
            continue
        yield Series(f"{family.name}_count", known, True, level)
        yield Series(f"{family.name}_sum", known, True, level * family.median * 1.15)
        for bound in (*family.bounds, math.inf):
            le = "+Inf" if bound == math.inf else f"{bound:g}"
            yield Series(
                f"{family.name}_bucket",
                tuple(sorted({**labels, "le": le}.items())),
                True,
                level * below(bound, family.median),
                bound,
                family.median,
            )


def below(bound: float, median: float) -> float:
    """The part of the observations up to `bound`: their logarithms lie around the median's as a bell."""
    if bound == math.inf:
        return 1.0
    return 0.5 * (1 + math.erf(math.log(bound / median) / (0.55 * math.sqrt(2))))
