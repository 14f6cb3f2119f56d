"""Days and weeks in a time zone follow one another without a gap, also when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import available_timezones

from handrail.contract import ReportFacts, WeeklyTime
from handrail_receiver.reports.period import Period, newest_whole, period_with, sent_at
from hypothesis import given
from hypothesis import strategies as st

BERLIN = ReportFacts(zone="Europe/Berlin", daily="02:30", weekly=WeeklyTime(day=4, at="09:00"))
ZONES = st.sampled_from(sorted(available_timezones()))
DATES = st.dates(date(1990, 1, 1), date(2037, 1, 1))


def test_a_day_on_which_clocks_are_put_forward_has_23_hours_and_one_on_which_they_are_put_back_25() -> None:
    days = [period_with("daily", day, BERLIN) for day in (date(2026, 3, 29), date(2026, 10, 25))]
    assert [(day.end - day.start).total_seconds() / 3600 for day in days] == [23, 25]
    assert days[0].start == datetime(2026, 3, 28, 23, tzinfo=UTC)


def test_a_week_begins_on_the_day_on_which_its_report_is_sent() -> None:
    friday = Period("weekly", "Europe/Berlin", date(2025, 12, 26), date(2026, 1, 1))
    assert period_with("weekly", date(2025, 12, 31), BERLIN) == friday
    assert sent_at("weekly", friday, BERLIN) == datetime(2026, 1, 2, 8, tzinfo=UTC)
    assert period_with("weekly", date(2025, 12, 31), ReportFacts()).first == date(2025, 12, 29)


def test_without_a_day_it_is_the_last_that_is_over_by_the_clocks_of_the_zone() -> None:
    just_after_midnight = datetime(2026, 7, 1, 22, 5, tzinfo=UTC)
    assert newest_whole("daily", just_after_midnight, BERLIN).first == date(2026, 7, 1)
    assert newest_whole("daily", just_after_midnight, ReportFacts()).first == date(2026, 6, 30)


def test_a_time_that_the_clocks_leave_out_is_an_hour_later_and_one_that_comes_twice_is_its_first() -> None:
    days = [period_with("daily", day, BERLIN) for day in (date(2026, 3, 28), date(2026, 10, 24))]
    assert [sent_at("daily", day, BERLIN) for day in days] == [
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    ]
    assert sent_at("daily", days[0], ReportFacts()) is None


@given(zone=ZONES, day=DATES)
def test_each_day_begins_where_the_one_before_ended(zone: str, day: date) -> None:
    one = Period("daily", zone, day, day)
    assert one.before().end == one.start
    assert timedelta(0) <= one.end - one.start <= timedelta(hours=48)


@given(zone=ZONES, day=DATES, begins=st.integers(0, 6))
def test_a_week_is_its_seven_days_and_holds_the_day_it_was_asked_for(
    zone: str, day: date, begins: int
) -> None:
    facts = ReportFacts(zone=zone, weekly=WeeklyTime(day=begins, at="09:00"))
    week = period_with("weekly", day, facts)
    days = list(week.days)
    assert (days[0].start, days[-1].end, len(days)) == (week.start, week.end, 7)
    assert (week.first.weekday(), week.first <= day <= week.last) == (begins, True)
    assert week.before(2) == week.before().before()
