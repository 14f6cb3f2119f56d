"""ago-within-window: a figure is compared with one that was taken over the same time.

With `Ratio(…, window="5m")` and `Ago("1m")` four of the five minutes are in both figures: a sudden change raises both
together, and the rise is never seen. Compare with a time that is at least one window back; `Ago("7d")` is the same time
of the week.
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
            window = window_of(use.measure)
            if (
                isinstance(use.against, Ago)
                and use.limit.relative
                and window
                and duration(use.against.time) < duration(window)
            ):
                what = f"is compared with {use.against.time} ago, and looks back over {window} itself"
                cure = f"write Ago of at least {window}, or shorten window="
                yield finding(NAME, use.against, what, cure, "time", about=guardrail)
