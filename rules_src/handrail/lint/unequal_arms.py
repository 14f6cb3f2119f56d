"""unequal-arms: a number of events is compared between different shares of traffic.

A canary with 10 % of the traffic has a tenth of the requests: `Rate(requests)` with `Drop("20%")` against the stable
arm rolls every release back in its first stage, and `Rise("20%")` never finds anything. The same goes for the figure
from before the rollout, which was that of all traffic, and for the stage before; and for a `Count` of series, of which
a canary with fewer instances has fewer. Shares and latencies can be
compared; so can the whole service with itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Count, Increase, Rate, Rollout
from handrail.declare.limits import Fixed
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import uses

NAME = "unequal-arms"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every relative limit on a rate or a count of one arm."""
    for guardrail in rollout.guardrails:
        if rollout.arms is None or guardrail.whole_service:
            continue
        for use in uses(guardrail):
            counted = isinstance(use.measure.inner, Rate | Increase)
            counted = counted or (isinstance(use.measure.inner, Count) and use.measure.inner.distinct is None)
            if counted and use.limit.relative and not isinstance(use.against, Fixed | None):
                of = "series" if isinstance(use.measure.inner, Count) else "events"
                what = f"compares a number of {of} by {type(use.limit).__name__}, and the canary has its own share of them"
                cure = "compare a Ratio or a Latency, or state whole_service=True on the guardrail"
                yield finding(NAME, use.limit, what, cure, about=guardrail)
