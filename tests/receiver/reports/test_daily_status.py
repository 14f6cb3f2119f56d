"""The status of a day: whatever was broken in it is said, also where it began the evening before."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from handrail_receiver.reports.daily_status import status
from handrail_receiver.reports.dora import figures_of
from handrail_receiver.reports.known import Known
from handrail_receiver.reports.outcomes import Failure, Outcome
from handrail_receiver.reports.period import Period

from .remembered import book

DAY = Period("daily", "UTC", date(2026, 3, 3), date(2026, 3, 3))
EVENING = DAY.start - timedelta(hours=1)


def of_a_day(restored: datetime | None) -> str:
    """The status of the day of an attempt that broke on the evening before, and of which nobody was told in the day."""
    failure = Failure(1, "rollback", "error-rate/critical", "10%", EVENING, restored)
    one = Outcome(1, "", EVENING, restored, "rolled back" if restored else "under way", (), failure)
    known = Known(
        playbook=book(),
        period=DAY,
        until=DAY.end,
        now=DAY.end,
        waits_for="",
        outcomes=(one,),
        counted=figures_of([one], DAY.start, DAY.end),
        weeks=(),
        told=(),
        figures={},
        budgets={},
        guardrails=(),
    )
    return status(known, one)


@pytest.mark.parametrize(
    ("restored", "said"),
    [
        (None, "🚨 Rollback Required: it is not over"),
        (DAY.start + timedelta(hours=2), "🚨 Rollback Required: done in 3 h"),
        (EVENING + timedelta(minutes=5), "✅ On Track"),
    ],
)
def test_a_day_is_not_on_track_while_the_failure_of_the_evening_before_lasts(
    restored: datetime | None, said: str
) -> None:
    assert of_a_day(restored) == said
