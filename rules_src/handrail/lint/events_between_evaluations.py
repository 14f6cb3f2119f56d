"""events-between-evaluations: a count looks back over less than the time between two evaluations.

What happens between the end of one window and the begin of the next is seen by nobody:
`Increase(attempts, window="1m")` with `evaluate="2m"` misses every other attempt.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Changed, Increase, Rollout
from handrail.lint.finding import Finding, finding
from handrail.lint.limits import inner, uses
from handrail.units import duration

NAME = "events-between-evaluations"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every count and every change of state."""
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            measure = inner(use.measure)
            at = use.limit if isinstance(use.limit, Changed) else measure
            if isinstance(at, Changed | Increase) and duration(at.window) < duration(rollout.evaluate):
                what = f"looks back over {at.window} every {rollout.evaluate}, and misses what is between"
                yield finding(
                    NAME, at, what, "widen window= or evaluate more often", "window", about=guardrail
                )
