"""evaluate-below-scrape: rules are evaluated more often than there is anything new.

With `scrape="1m"` and `evaluate="15s"` three evaluations of four see the samples of the one before: nothing is noticed
sooner, and Prometheus works four times as much.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.units import duration

NAME = "evaluate-below-scrape"


def check(rollout: Rollout) -> Iterator[Finding]:
    """The rollout's two intervals."""
    if duration(rollout.evaluate) < duration(rollout.scrape):
        what = f"evaluates every {rollout.evaluate} what is scraped every {rollout.scrape}"
        cure = f'write evaluate="{rollout.scrape}", or scrape as often'
        yield finding(NAME, rollout, what, cure, "evaluate", severity=Severity.warning)
