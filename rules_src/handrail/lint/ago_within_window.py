"""ago-within-window: a figure is compared with one that was taken over the same time.

With `Ratio(…, window="5m")` and `Ago("1m")` four of the five minutes are in both figures: a sudden change raises both
together, and the rise is never seen. Compare with a time that is at least one window back; `Ago("7d")` is the same time
of the week. What has no window must be compared with a time at least one scrape back: else both figures are one sample.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Ago, Rollout
from handrail.declare.measures import window_of
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import uses
from handrail.units import duration

NAME = "ago-within-window"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every limit beside an earlier figure."""
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            if not isinstance(use.against, Ago) or not use.limit.relative:
                continue
            window = window_of(use.measure)
            if duration(use.against.time) < duration(window or rollout.scrape):
                itself = (
                    f"looks back over {window} itself" if window else f"is scraped every {rollout.scrape}"
                )
                what = f"is compared with {use.against.time} ago, and {itself}"
                cure = f"write Ago of at least {window or rollout.scrape}" + (
                    ", or shorten window=" if window else ""
                )
                yield finding(NAME, use.against, what, cure, "time", about=guardrail)
