"""matcher-clash: a series is matched on a label that Handrail sets itself.

`http_requests_total{track="stable"}` in a rollout whose arms are told apart by `track` would be read as the canary's:
one of the two matchers must go. No series matches two different values of one label, and the guardrail would always
be blind. The same goes for `match=` on the label of the arms, and for two matchers of one series that contradict each
other. A histogram is named without `le`: the measure chooses the buckets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from handrail.declare import Environment, Increase, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import Measured, measured, series
from handrail.promql.syntax import selector

NAME = "matcher-clash"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every series of every measure."""
    yield from _arms(rollout, rollout.match, rollout, "match")
    for entry in measured(rollout):
        ours = dict.fromkeys(rollout.match, "the rollout's match=")
        if rollout.arms is not None and entry.arms:
            ours[rollout.arms.label] = "the rollout's arms="
        yield from _clashes(entry, ours)
        yield from _buckets(entry)
        yield from _contradictions(entry)


def across(rollouts: Sequence[Rollout], environments: Sequence[Environment]) -> Iterator[Finding]:
    """The same for the matchers that environments add."""
    for environment in environments:
        sets = f"match= of environment '{environment.name}'"
        for rollout in rollouts:
            added = environment.match.get(rollout.name, {})
            yield from _arms(rollout, added, environment, "match", rollout.name)
            ours = dict.fromkeys(added, sets)
            for entry in measured(rollout):
                yield from _clashes(entry, ours)


def _arms(rollout: Rollout, match: Mapping[str, str], at: object, *path: str) -> Iterator[Finding]:
    """A matcher on the label of the arms leaves one arm of the two, one on `le` a single bucket of each histogram."""
    if "le" in match:
        what = f"rollout '{rollout.name}' matches 'le', which tells the buckets of a histogram apart"
        yield finding(NAME, at, what, "take it out of match=", *path, "le", severity=Severity.fatal)
    if rollout.arms is not None and rollout.arms.label in match:
        label = rollout.arms.label
        what = f"rollout '{rollout.name}' matches '{label}', which tells its arms apart"
        yield finding(NAME, at, what, "take it out of match=", *path, label, severity=Severity.fatal)


def _clashes(entry: Measured, ours: Mapping[str, str]) -> Iterator[Finding]:
    for field, text in series(entry.measure) if ours else ():
        for label in sorted({label for label, _, _ in selector(text).matchers} & ours.keys()):
            what = f"matches '{label}' in {text}, and {ours[label]} sets it"
            sets = ours[label].removeprefix("the rollout's ")
            cure = f"remove the matcher, or '{label}' from {sets}"
            fatal = Severity.fatal
            yield finding(NAME, entry.measure, what, cure, field, about=entry.of, severity=fatal)


def _buckets(entry: Measured) -> Iterator[Finding]:
    """A histogram is named as a whole; which of its buckets are read is the measure's."""
    measure = entry.measure
    for field, text in series(measure):
        histogram = field == "histogram" or (isinstance(measure, Increase) and measure.slower_than)
        if histogram and any(label == "le" for label, _, _ in selector(text).matchers):
            what = f"matches 'le' in {text}, and the measure chooses the buckets itself"
            cure, fatal = "remove the matcher", Severity.fatal
            yield finding(NAME, measure, what, cure, field, about=entry.of, severity=fatal)


def _contradictions(entry: Measured) -> Iterator[Finding]:
    for field, text in series(entry.measure):
        label = selector(text).contradiction
        if label is not None:
            what = f"matches '{label}' twice in {text}, and no series fits both"
            yield finding(NAME, entry.measure, what, "remove one of them", field, about=entry.of)
