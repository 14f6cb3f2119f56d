"""label-names: a label that Prometheus refuses, or that Handrail's own alerts use for something else.

With `by=["tier"]` the series' own `tier` and the alert's would be one label, and routing and inhibition would
read the wrong one. The label of the arms is not one to tell other things apart by. Names that begin with `__` belong to Prometheus, `le` to its histograms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from handrail import names
from handrail.declare import Environment, Guardrail, Rollout, State
from handrail.declare.measures import Measure
from handrail.errors import Severity
from handrail.lint.finding import Finding, Named, finding
from handrail.lint.limits import inner
from handrail.places import Step

NAME = "label-names"

OURS = {*names.OURS, "le"}


def check(rollout: Rollout) -> Iterator[Finding]:
    """The labels that generated series are told apart by, and those of the rollout's matchers."""
    if rollout.arms is not None:
        yield from _kept(rollout.arms, [rollout.arms.label], None, "label")
    yield from _refused(rollout, rollout.match, "match")
    for guardrail in rollout.guardrails:
        for measure in _measures(guardrail):
            by = list(getattr(measure, "by", ()))
            yield from _kept(measure, by, guardrail, "by")
            if rollout.arms is not None and rollout.arms.label in by and not guardrail.whole_service:
                what = f"tells series apart by '{rollout.arms.label}', which already tells the arms apart"
                yield finding(
                    NAME, measure, what, "take it out of by=", "by", about=guardrail, severity=Severity.fatal
                )
            if isinstance(measure, State):
                yield from _kept(measure, [measure.label], guardrail, "label")


def across(rollouts: Sequence[Rollout], environments: Sequence[Environment]) -> Iterator[Finding]:
    """The labels that environments add."""
    del rollouts
    for environment in environments:
        for job in environment.scrape:
            yield from _refused(job, job.labels, "labels")
        for rollout, matchers in environment.match.items():
            yield from _refused(environment, matchers, "match", rollout)


def _measures(guardrail: Guardrail) -> Iterator[Measure]:
    yield inner(guardrail.measure)
    yield from (inner(other.measure) for tier in guardrail.tiers for other in tier.or_)


def _kept(at: object, labels: Iterable[str], about: Named | None, field: str) -> Iterator[Finding]:
    for label in labels:
        if label in OURS:
            what = f"tells series apart by the label '{label}', which generated alerts use themselves"
            cure = "give the metric a label of another name"
            yield finding(NAME, at, what, cure, field, about=about, severity=Severity.fatal)
        elif not _legal(label):
            yield _illegal(at, label, about, field)


def _refused(at: object, labels: Iterable[str], *path: Step) -> Iterator[Finding]:
    return (_illegal(at, label, None, *path) for label in labels if not _legal(label))


def _legal(label: str) -> bool:
    return re.fullmatch(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*", label) is not None


def _illegal(at: object, label: str, about: Named | None, *path: Step) -> Finding:
    what = f"uses the label name '{label}', which Prometheus refuses or keeps for itself"
    cure = "use letters, digits and _, not a digit first and not __ first"
    return finding(NAME, at, what, cure, *path, about=about, severity=Severity.fatal)
