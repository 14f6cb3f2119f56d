"""matcher-clash: a series is matched on a label that Handrail sets itself.

`http_requests_total{track="stable"}` in a rollout whose arms are told apart by `track` would be read as the
canary's: one of the two matchers must go.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Guardrail, Rollout
from handrail.declare.measures import Measure, While
from handrail.errors import Severity
from handrail.lint.finding import Finding, finding
from handrail.promql import selector

NAME = "matcher-clash"

_SERIES = ("of", "bad", "good", "histogram", "counter", "metric", "used", "size")


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every series of every measure."""
    for guardrail in rollout.guardrails:
        ours = dict.fromkeys(rollout.match, "match=")
        if rollout.arms is not None and not guardrail.whole_service:
            ours[rollout.arms.label] = "arms="
        for measure, field, text in _series(guardrail) if ours else ():
            for label in {label for label, _, _ in selector(text).matchers} & ours.keys():
                what = f"matches '{label}' in {text}, and the rollout's {ours[label]} sets it"
                cure = f"remove the matcher, or '{label}' from {ours[label]}"
                yield finding(NAME, measure, what, cure, field, about=guardrail, severity=Severity.fatal)


def _series(guardrail: Guardrail) -> Iterator[tuple[Measure, str, str]]:
    measures = [guardrail.measure, *(other.measure for tier in guardrail.tiers for other in tier.or_)]
    for measure in measures:
        parts = (measure.measure, measure.condition) if isinstance(measure, While) else (measure,)
        for part in parts:
            for field in _SERIES:
                text = getattr(part, field, None)
                if isinstance(text, str):
                    yield part, field, text
