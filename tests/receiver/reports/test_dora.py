"""DORA's figures, MTTR and MTBF: by their definitions, whatever failed when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from handrail_receiver.model import Attempt, AttemptState, Closed, Incident
from handrail_receiver.reports.dora import broken, figures_of
from handrail_receiver.reports.outcomes import Failure, Outcome, Result, Stay, before_first, outcomes
from handrail_receiver.store.past_attempts import PastAttempt
from hypothesis import given
from hypothesis import strategies as st

from .remembered import MONDAY, book

WEEK = timedelta(days=7)
END = MONDAY + WEEK


def failure(began: float, minutes: float | None, *, false: bool | None = None, number: int = 1) -> Failure:
    """Something that began so many hours after Monday, and was over so many minutes later."""
    at = MONDAY + timedelta(hours=began)
    restored = None if minutes is None else at + timedelta(minutes=minutes)
    return Failure(number, "rollback", "error-rate/critical", "10%", at, restored, proved=True, false=false)


def outcome(
    ended: float | None, result: Result = "complete", failed: Failure | None = None, weight: float = 0.1
) -> Outcome:
    """An attempt that ended so many hours after Monday."""
    at = None if ended is None else MONDAY + timedelta(hours=ended)
    stay = Stay("10%", weight, MONDAY, at or END)
    return Outcome(1, "", MONDAY, at, result, (stay,), failed)


def back(began: float, minutes: float, *, false: bool | None = None) -> Outcome:
    """One that was rolled back."""
    failed = failure(began, minutes, false=false)
    return outcome(began + minutes / 60, "rolled back", failed)


def test_the_definitions_on_a_week_of_two_releases_and_two_rollbacks() -> None:
    made = figures_of(
        [outcome(10), outcome(90), back(20, 4), back(50, 20, false=True), outcome(None, "under way")],
        MONDAY,
        END,
    )
    assert (made.per_day, made.change_fail_rate) == (Fraction(2, 7), Fraction(1, 2))
    assert (made.mean_time_to_recovery, made.recovery_time) == (timedelta(minutes=12), timedelta(minutes=12))
    assert made.mean_time_between_failures == (WEEK - timedelta(minutes=24)) / 2


def test_an_incident_without_a_rollback_is_an_incident_and_no_failed_change() -> None:
    attempt = Attempt(1, "shop", "shop", 1, AttemptState.complete, "100%", MONDAY, MONDAY, "alice")
    at, over = MONDAY + timedelta(hours=3), MONDAY + timedelta(hours=5)
    gone = Incident("shop-1", "shop", 1, 1, at, at, "investigate", "the database is gone", "alert")
    gone = replace(gone, severity="P1", closed=Closed(over, "alice", "it is back"))
    made = figures_of(outcomes([PastAttempt(attempt, (), 0)], [], [gone], book(), END), MONDAY, END)
    watched = Failure(1, "investigate", "the database is gone", "", at, over)
    assert made.incidents == (replace(watched, incident="shop-1", severity="P1", closed=True),)
    assert (made.failures, made.failed, made.broken) == ((), (), timedelta())


def test_what_people_were_woken_for_before_the_first_attempt_is_an_incident_of_its_week() -> None:
    at = MONDAY + timedelta(hours=1)
    woken = Incident("shop-1", "shop", 1, 0, at, at, "investigate", "the disk is full", "alert")
    made = figures_of([], MONDAY, END, before_first([woken, replace(woken, attempt=2, number=1)]))
    assert [(one.incident, one.trigger) for one in made.incidents] == [("shop-1", "the disk is full")]
    assert made.failures == ()


def test_a_false_rollback_counts_and_is_shown_apart() -> None:
    made = figures_of([outcome(10), back(20, 4, false=True)], MONDAY, END)
    assert (made.change_fail_rate, len(made.failures), len(made.false)) == (Fraction(1, 2), 1, 1)
    assert made.fail_rate_without_false == 0


def test_the_recovery_time_is_the_median_and_the_time_to_recovery_the_mean() -> None:
    made = figures_of([back(1, 1), back(10, 2), back(20, 30)], MONDAY, END)
    assert (made.recovery_time, made.mean_time_to_recovery) == (timedelta(minutes=2), timedelta(minutes=11))


def test_what_is_not_over_is_in_no_mean_and_is_said() -> None:
    made = figures_of([back(1, 10), outcome(None, "under way", failure(100, None))], MONDAY, END)
    assert (made.recovery_time, made.unrestored) == (timedelta(minutes=10), 1)
    assert made.mean_time_between_failures == (timedelta(hours=100) - timedelta(minutes=10)) / 2


def test_nothing_is_0_where_nothing_happened() -> None:
    made = figures_of([], MONDAY, END)
    assert (made.change_fail_rate, made.recovery_time, made.mean_time_to_recovery) == (None, None, None)
    assert made.mean_time_between_failures is None
    assert made.per_day == 0


def test_what_never_had_users_traffic_is_no_deployment() -> None:
    made = figures_of([outcome(10, weight=0)], MONDAY, END)
    assert (made.deployed, made.ended, made.to_staging) == ((), (), 1)


def test_a_failure_counts_where_it_began_and_an_attempt_where_it_ended() -> None:
    across = back(-1, 90)
    assert (figures_of([across], MONDAY, END).failures, len(figures_of([across], MONDAY, END).failed)) == (
        (),
        1,
    )
    before = figures_of([across], MONDAY - WEEK, MONDAY)
    assert (len(before.failures), before.failed) == (1, ())


def test_what_still_breaks_from_the_week_before_is_not_time_without_failure() -> None:
    lasts = outcome(None, "under way", failure(-10, 12 * 60))
    made = figures_of([lasts, back(20, 60)], MONDAY, END)
    assert (len(made.failures), made.broken) == (1, timedelta(hours=3))
    assert made.mean_time_between_failures == WEEK - timedelta(hours=3)


def test_a_false_rollback_across_midnight_is_left_out_of_the_rate_of_the_week_in_which_it_ended() -> None:
    across = [back(-1, 90, false=True), outcome(10)]
    before, after = figures_of(across, MONDAY - WEEK, MONDAY), figures_of(across, MONDAY, END)
    assert [(len(week.false), week.failed_falsely) for week in (before, after)] == [(1, 0), (0, 1)]
    assert (after.change_fail_rate, after.fail_rate_without_false) == (Fraction(1, 2), Fraction(0))


HOURS = st.floats(0, 160, allow_nan=False)
FAILURES = st.lists(st.builds(failure, HOURS, st.none() | st.floats(0, 3000, allow_nan=False)), max_size=8)


@given(FAILURES)
def test_what_is_broken_at_the_same_time_is_broken_once(failures: Sequence[Failure]) -> None:
    whole = broken(failures, MONDAY, END)
    spans = [(one.began, min(one.restored or END, END)) for one in failures]
    longest = max((until - since for since, until in spans), default=timedelta())
    assert longest <= whole <= min(END - MONDAY, sum((until - since for since, until in spans), timedelta()))
    assert whole == _minute_by_minute(spans)


def _minute_by_minute(spans: Sequence[tuple[datetime, datetime]]) -> timedelta:
    """The same by looking at each piece between two instants at which anything changes."""
    edges = sorted({at for span in spans for at in span})
    pieces = pairwise(edges)
    return sum(
        (
            until - since
            for since, until in pieces
            if any(begins <= since and until <= ends for begins, ends in spans)
        ),
        timedelta(),
    )


@given(FAILURES)
def test_more_failures_are_never_further_apart(failures: Sequence[Failure]) -> None:
    made = figures_of([outcome(None, "under way", one) for one in failures], MONDAY, END)
    between = made.mean_time_between_failures
    assert (between is None) == (not failures)
    if between is not None:
        assert timedelta(0) <= between <= WEEK / len(failures)


@given(FAILURES, st.floats(0, 168))
def test_two_parts_of_a_week_have_what_the_week_has(failures: Sequence[Failure], cut: float) -> None:
    all_ = [outcome(None, "under way", one) for one in failures]
    middle = MONDAY + timedelta(hours=cut)
    parts = [figures_of(all_, MONDAY, middle), figures_of(all_, middle, END)]
    whole = figures_of(all_, MONDAY, END)
    assert sum(len(part.failures) for part in parts) == len(whole.failures)
    assert sum((part.broken for part in parts), timedelta()) == whole.broken


def test_a_rollback_that_was_left_to_people_is_a_failure_until_its_incident_is_closed() -> None:
    at = MONDAY + timedelta(hours=1)
    attempt = Attempt(7, "shop", "shop", 1, AttemptState.active, "10%", MONDAY, MONDAY, "alice")
    one = Incident("shop-7", "shop", 7, 1, at, at, "rollback", "people must roll back", "alert", stage="10%")
    ends = replace(one, closed=Closed(at + timedelta(minutes=9), "bob", "rolled back by hand"))

    def failed(incident: Incident) -> Failure | None:
        return outcomes([PastAttempt(attempt, (), 0)], [], [incident], book(), END)[0].failure

    known = Failure(1, "rollback", "people must roll back", "10%", at, None, incident="shop-7")
    assert failed(one) == known
    assert failed(ends) == replace(known, restored=at + timedelta(minutes=9), closed=True)
