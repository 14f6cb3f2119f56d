"""events-between-evaluations: a count's window is so short that some events are never counted.

A count compares the first sample of its window with the last. What happens between the last sample of one window and
the first of the next is in neither: with `evaluate="1m"` and a scrape every 15 s, `Increase(attempts, window="1m")`
misses every fourth attempt. The window must be one evaluation interval plus two scrape intervals, because one scrape
may fail.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Changed, Changes, Increase, Rollout
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import uses
from handrail.units import duration, span

NAME = "events-between-evaluations"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every count, every change of state or of a gauge."""
    needed = duration(rollout.evaluate) + 2 * duration(rollout.scrape)
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            measure = use.measure.inner
            at = use.limit if isinstance(use.limit, Changed) else measure
            if isinstance(at, Changed | Changes | Increase) and duration(at.window) < needed:
                what = f"looks back over {at.window} every {rollout.evaluate}, and misses what falls between two looks"
                cure = f"widen window= to {span(needed)} (evaluate= and two scrapes), or evaluate more often"
                yield finding(NAME, at, what, cure, "window", about=guardrail)
