"""label-names: a label that Prometheus refuses, or that Handrail's own alerts use for something else.

With `by=["tier"]` the series' own `tier` and the alert's would be one label: two series in breach become one,
Prometheus fails the rule, and nothing fires. The same goes for the labels of `PromQL("sum by (service) (…)")`. The
label of the arms cannot be used in `by=`, nor `arm` where each start gives their versions. Names that begin with `__` belong to Prometheus, `le` to its histograms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from handrail.base.places import PathStep
from handrail.contract import names
from handrail.declare import Count, Environment, Guardrail, PromQL, Rollout, State
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, Named, finding
from handrail.lint.common.measured import Measured, measured
from handrail.promql.result_labels import labels

NAME = "label-names"

OURS = {*names.OURS, "le"}


def check(rollout: Rollout) -> Iterator[Finding]:
    """The labels that generated series are told apart by, and those of the rollout's matchers."""
    if rollout.arms is not None:
        yield from _kept(rollout.arms, [rollout.arms.label], None, "label")
    yield from _refused(rollout, rollout.match, "match")
    for entry in measured(rollout):
        yield from _drawn(rollout, entry) if entry.panel is not None else _judged(rollout, entry)


def _judged(rollout: Rollout, entry: Measured) -> Iterator[Finding]:
    measure, of = entry.measure, entry.of
    by = list(getattr(measure, "by", ()))
    field = "by"
    if isinstance(measure, State):
        by, field = [measure.label], "label"
    elif isinstance(measure, PromQL):
        by, field = sorted(labels(measure.expr).named), "expr"
    yield from _kept(measure, by, of, field)
    if isinstance(measure, Count) and measure.distinct is not None and not _legal(measure.distinct):
        yield _illegal(measure, measure.distinct, of, "distinct")
    arms = rollout.arms
    if arms is None or not isinstance(of, Guardrail) or of.whole_service or isinstance(measure, PromQL):
        return
    for label in {arms.label, *([names.ARM] if arms.told else [])} & {*by}:
        what = f"tells series apart by '{label}', which already tells the arms apart"
        yield finding(NAME, measure, what, "take it out of by=", field, about=of, severity=Severity.fatal)


def _drawn(rollout: Rollout, entry: Measured) -> Iterator[Finding]:
    """A panel may draw any label that there is; those of the arms and of the buckets are there already."""
    panel = entry.panel
    arm = rollout.arms.label if rollout.arms is not None else None
    for label in panel.by if panel is not None else ():
        if label in ("le", arm):
            what = f"is drawn by '{label}', which already tells its curves apart"
            yield finding(NAME, panel, what, "take it out of by=", "by", about=entry.of)
        elif not _legal(label):
            yield _illegal(panel, label, entry.of, "by")


def across(rollouts: Sequence[Rollout], environments: Sequence[Environment]) -> Iterator[Finding]:
    """The labels that environments add."""
    del rollouts
    for environment in environments:
        for job in environment.scrape:
            yield from _refused(job, job.labels, "labels")
        for rollout, matchers in environment.match.items():
            yield from _refused(environment, matchers, "match", rollout)


def _kept(at: object, labels: Iterable[str], about: Named | None, field: str) -> Iterator[Finding]:
    for label in labels:
        if label in OURS:
            what = f"tells series apart by the label '{label}', which generated alerts use themselves"
            cure = "give the metric a label of another name"
            yield finding(NAME, at, what, cure, field, about=about, severity=Severity.fatal)
        elif not _legal(label):
            yield _illegal(at, label, about, field)


def _refused(at: object, labels: Iterable[str], *path: PathStep) -> Iterator[Finding]:
    return (_illegal(at, label, None, *path) for label in labels if not _legal(label))


def _legal(label: str) -> bool:
    return re.fullmatch(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*", label) is not None


def _illegal(at: object, label: str, about: Named | None, *path: PathStep) -> Finding:
    what = f"uses the label name '{label}', which Prometheus refuses or keeps for itself"
    cure = "use letters, digits and _, not a digit first and not __ first"
    return finding(NAME, at, what, cure, *path, about=about, severity=Severity.fatal)
