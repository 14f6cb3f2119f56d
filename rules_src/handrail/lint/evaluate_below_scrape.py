"""evaluate-below-scrape: rules are evaluated more often than there is anything new.

With `scrape="1m"` and `evaluate="15s"` three of four evaluations see the same samples as the one before: nothing is
noticed sooner, for four times the work.
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
