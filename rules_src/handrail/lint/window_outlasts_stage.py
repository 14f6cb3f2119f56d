"""window-outlasts-stage: a measure looks back further than a stage's bake time, and judges the stage by the one before.

With a window of one hour in a stage of half an hour, half of what is judged comes from the stage before.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.contract import names
from handrail.declare import Rollout
from handrail.declare.measures import window_of
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import guarded_stages, uses
from handrail.units import duration

NAME = "window-outlasts-stage"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every measure's window against the shortest stage it counts in."""
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            if use.tier is not None and use.tier.action not in names.ACTING:
                continue  # a person who looks sees the window
            window = window_of(use.measure)
            stages = guarded_stages(rollout, [use.limit])[:1] if window else []
            for stage in stages:
                if window and duration(window) >= duration(stage.bake or "0s"):
                    what = f"looks back over {window}, and stage '{stage.name}' bakes for {stage.bake}"
                    cure = "shorten window= or lengthen bake="
                    at = use.measure.inner
                    yield finding(NAME, at, what, cure, "window", about=guardrail, severity=Severity.warning)
