"""calendar-over: the last event of a calendar of freezes is in the past.

A calendar that nobody continues freezes nothing any more, and nobody notices: next December the rollout goes forward.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from handrail.declare import Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding

NAME = "calendar-over"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every calendar, as it is today."""
    return over(rollout, datetime.now(UTC))


def over(rollout: Rollout, now: datetime) -> Iterator[Finding]:
    """The calendars that have nothing ahead at `now`."""
    for freeze in rollout.freezes:
        if freeze.calendar is None:
            continue
        last = max((one.ends for one in freeze.spans), default=None)
        if last is None or last <= now:
            ended = f"ended on {last:%Y-%m-%d}" if last else "is cancelled"
            what = f"the last event of {freeze.calendar} {ended}, so nothing is frozen any more"
            cure = "add the coming ones, move until=, or leave the calendar out"
            yield finding(NAME, freeze, what, cure, "calendar", severity=Severity.warning)
