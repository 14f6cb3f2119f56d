"""matcher-clash: a series is matched on a label that Handrail sets itself.

`http_requests_total{track="stable"}` in a rollout whose arms are told apart by `track` would be read as the
canary's: one of the two matchers must go. With two for one label that differ there is no such series, and the
guardrail is blind. A histogram is named without `le`: the measure chooses the buckets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from handrail.declare import Environment, Guardrail, Increase, Rollout
from handrail.declare.measures import Measure, While
from handrail.errors import Severity
from handrail.lint.finding import Finding, finding
from handrail.lint.limits import Judged, judged
from handrail.promql import selector

NAME = "matcher-clash"

_SERIES = ("of", "bad", "good", "histogram", "counter", "metric", "used", "size")


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every series of every measure."""
    for thing in judged(rollout):
        ours = dict.fromkeys(rollout.match, "the rollout's match=")
        arms = rollout.arms
        if arms is not None and isinstance(thing, Guardrail) and not thing.whole_service:
            ours[arms.label] = "the rollout's arms="
        yield from _clashes(thing, ours)
        yield from _buckets(thing)


def across(rollouts: Sequence[Rollout], environments: Sequence[Environment]) -> Iterator[Finding]:
    """The same for the matchers that environments add."""
    for environment in environments:
        sets = f"match= of environment '{environment.name}'"
        for rollout in rollouts:
            ours = dict.fromkeys(environment.match.get(rollout.name, {}), sets)
            for thing in judged(rollout):
                yield from _clashes(thing, ours)


def _clashes(thing: Judged, ours: Mapping[str, str]) -> Iterator[Finding]:
    for measure, field, text in _series(thing) if ours else ():
        for label in sorted({label for label, _, _ in selector(text).matchers} & ours.keys()):
            what = f"matches '{label}' in {text}, and {ours[label]} sets it"
            sets = ours[label].removeprefix("the rollout's ")
            cure = f"remove the matcher, or '{label}' from {sets}"
            yield finding(NAME, measure, what, cure, field, about=thing, severity=Severity.fatal)


def _buckets(thing: Judged) -> Iterator[Finding]:
    """A histogram is named as a whole; which of its buckets are read is the measure's."""
    for measure, field, text in _series(thing):
        histogram = field == "histogram" or (isinstance(measure, Increase) and measure.slower_than)
        if histogram and any(label == "le" for label, _, _ in selector(text).matchers):
            what = f"matches 'le' in {text}, and the measure chooses the buckets itself"
            yield finding(
                NAME, measure, what, "remove the matcher", field, about=thing, severity=Severity.fatal
            )


def _series(thing: Judged) -> Iterator[tuple[Measure, str, str]]:
    for measure in _measures(thing):
        parts = (measure.measure, measure.condition) if isinstance(measure, While) else (measure,)
        for part in parts:
            for field in _SERIES:
                text = getattr(part, field, None)
                if isinstance(text, str):
                    yield part, field, text


def _measures(thing: Judged) -> Iterable[Measure]:
    tiers = thing.tiers if isinstance(thing, Guardrail) else ()
    return (thing.measure, *(other.measure for tier in tiers for other in tier.or_))
