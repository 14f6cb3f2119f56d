"""calendar-over: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from declared import folder
from handrail.lint.calendar_over import over
from handrail.loading.load import load

ROLLOUT = """\
from handrail.declare import *

shop = Rollout(
    "shop",
    "shop",
    stages=[Stage("all")],
    freezes=[Freeze("2020-01-01", "2020-01-02"), Freeze(calendar="company.ics")],
    guardrails=[Guardrail("errors", Increase("errors_total"), tiers=[Warning(Above(0))])],
)
"""
CALENDAR = """\
BEGIN:VCALENDAR
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20261220
DTEND;VALUE=DATE:20270107
{status}END:VEVENT
END:VCALENDAR
"""


def words(at: Path, now: datetime, status: str = "") -> list[str]:
    source = folder(at, {"rollouts/shop.py": ROLLOUT, "rollouts/company.ics": CALENDAR.format(status=status)})
    [rollout] = load(source).rollouts
    return [f"{one.problem.where.line}: {one.problem.what}; {one.problem.cure}" for one in over(rollout, now)]


def test_a_calendar_whose_last_event_is_over_freezes_nothing_any_more(tmp_path: Path) -> None:
    assert words(tmp_path, datetime(2027, 1, 7, tzinfo=UTC)) == [
        (
            "7: the last event of company.ics ended on 2027-01-07, so nothing is frozen any more; "
            "add the coming ones, move until=, or leave the calendar out"
        )
    ]


def test_a_calendar_whose_events_are_cancelled_freezes_nothing(tmp_path: Path) -> None:
    [said] = words(tmp_path, datetime(2026, 1, 1, tzinfo=UTC), "STATUS:CANCELLED\n")
    assert said.startswith("7: the last event of company.ics is cancelled, so nothing is frozen any more; ")


def test_a_calendar_with_an_event_ahead_is_fine(tmp_path: Path) -> None:
    assert words(tmp_path, datetime(2027, 1, 6, 23, tzinfo=UTC)) == []
