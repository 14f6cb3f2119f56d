"""shared-series: two rollouts of different services read the same series.

Take `http_requests_total` in a rollout of `checkout` and in one of `search`, with nothing that tells the two services
apart: Prometheus has the requests of both under that name, each rollout judges all of them, and a failing `search` rolls
`checkout` back. `match={"job": "checkout"}` on the rollout scopes all its measures.

Two selectors read different series where both match the same label with values that exclude each other. Series that two services really share,
like those of one database, are accepted with that reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from handrail.declare import Environment, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import cached
from handrail.lint.common.measured import Drawn, Measured, measured, series
from handrail.plan.selectors import Matcher, Selector
from handrail.promql.syntax import selector

NAME = "shared-series"


@dataclass(frozen=True)
class _SeriesUse:
    """A series that a guardrail or an objective reads, before its rollout's `match=` is added."""

    entry: Measured
    field: str
    asked: Selector


def check(rollout: Rollout, beside: Sequence[Rollout], here: Environment) -> Iterator[Finding]:
    """The first series of each guardrail and objective that a rollout of another service reads as well."""
    ours = _scope(rollout, here)
    others = [other for other in beside if other.service != rollout.service]
    apart = {id(other) for other in others if _never(ours + _scope(other, here))}
    others = [other for other in others if id(other) not in apart]
    said: set[str] = set()
    for read in _reads(rollout) if others else ():
        about = read.entry.of
        both = next((other for other in others if _share(read, ours, other, here)), None)
        if both is not None and about.name not in said:
            said.add(about.name)
            what = f"reads {read.asked}, and nothing tells it from what '{both.name}' reads of service '{both.service}'"
            cure = f'scope the rollout by a label of its service, like match={{"job": "{rollout.service}"}}'
            yield finding(
                NAME, read.entry.measure, what, cure, read.field, about=about, severity=Severity.warning
            )


def _share(read: _SeriesUse, ours: tuple[Matcher, ...], other: Rollout, here: Environment) -> bool:
    theirs = _scope(other, here)
    return any(
        their.asked.metric == read.asked.metric
        and not _never((*read.asked.matchers, *ours, *their.asked.matchers, *theirs))
        for their in _reads(other)
    )


def _reads(rollout: Rollout) -> tuple[_SeriesUse, ...]:
    return cached(rollout, "_shared_reads", _read)


def _read(rollout: Rollout) -> Iterator[_SeriesUse]:
    for entry in measured(rollout):
        for field, text in () if isinstance(entry.of, Drawn) else series(entry.measure):
            yield _SeriesUse(entry, field, selector(text))


def _scope(rollout: Rollout, here: Environment) -> tuple[Matcher, ...]:
    added = {**rollout.match, **here.match.get(rollout.name, {})}
    return tuple((label, "=", value) for label, value in added.items())


def _never(matchers: tuple[Matcher, ...]) -> bool:
    """Whether no series can match all of these."""
    return Selector("", matchers).contradiction is not None
