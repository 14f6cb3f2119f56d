"""Declared checks → made at their time, made up for after a restart, and each once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from handrail.contract import CheckFacts
from handrail_receiver.evidence.schedule import due_checks
from handrail_receiver.evidence.taking import why_made
from handrail_receiver.model import LATE, Attempt, AttemptState, ScheduledCheck
from hypothesis import given
from hypothesis import strategies as st

from .kept import NOW, book

ATTEMPT = Attempt(
    id=7,
    rollout="shop",
    service="shop",
    number=3,
    state=AttemptState.active,
    stage="10%",
    stage_entered_at=NOW,
    started_at=NOW,
    started_by="alice",
)
BOOK = book(checks=(3600, 900, CheckFacts(at=1800, name="half-time", stage="10%")))


def due(minutes: float, made: tuple[str, ...] = (), attempt: Attempt = ATTEMPT) -> list[str]:
    now = NOW + timedelta(minutes=minutes)
    return [why_made(one, now) for one in due_checks(BOOK, attempt, made, now)]


def test_each_check_is_due_so_long_after_the_stage_began() -> None:
    assert [due(minutes) for minutes in (14, 15, 15.5)] == [
        [],
        ["T+15m of stage 10%"],
        ["T+15m of stage 10%"],
    ]


def test_what_was_made_is_due_no_more() -> None:
    now = NOW + timedelta(minutes=31)
    first, second = due_checks(BOOK, ATTEMPT, (), now)
    assert first == ScheduledCheck(first.key, "10%", CheckFacts(at=900), NOW + timedelta(minutes=15))
    assert list(due_checks(BOOK, ATTEMPT, (first.key,), now)) == [second]


def test_what_was_missed_is_made_up_for_and_marked_late() -> None:
    assert due(61) == [
        "T+15m of stage 10%, late: it was due 2026-03-01 03:15:00 UTC",
        "half-time of stage 10%, late: it was due 2026-03-01 03:30:00 UTC",
        "T+1h of stage 10%, late: it was due 2026-03-01 04:00:00 UTC",
    ]


def test_the_next_stage_begins_anew() -> None:
    made = tuple(one.key for one in due_checks(BOOK, ATTEMPT, (), NOW + timedelta(hours=1)))
    later = replace(ATTEMPT, stage="50%", stage_entered_at=NOW + timedelta(hours=2))
    assert due(135, made, later) == ["T+15m of stage 50%"]


def test_an_attempt_that_goes_back_or_is_over_is_not_checked() -> None:
    others = [state for state in AttemptState if state is not AttemptState.active]
    assert [due(60, (), replace(ATTEMPT, state=state)) for state in others] == [[]] * len(others)


def test_a_check_of_one_stage_is_made_in_no_other() -> None:
    later = replace(ATTEMPT, stage="50%")
    assert due(30, (), later) == ["T+15m of stage 50%, late: it was due 2026-03-01 03:15:00 UTC"]


def test_while_something_fires_one_is_made_in_each_interval_and_none_is_made_up_for() -> None:
    often = book(checks=(), checks_while_firing=600)

    def keys(minutes: float, *made: str, firing: bool = True) -> list[str]:
        now = NOW + timedelta(minutes=minutes)
        return [one.key for one in due_checks(often, ATTEMPT, made, now, firing=firing)]

    first = keys(25)
    assert [len(first), keys(29, *first), keys(25, firing=False)] == [1, [], []]
    assert len(keys(60, *first)) == 1


MOMENTS = st.sets(st.integers(1, 600), min_size=1, max_size=12)
"""Minutes after the stage's begin."""


@given(MOMENTS, st.lists(st.integers(0, 700), min_size=1, max_size=20))
def test_whenever_it_is_looked_each_check_is_made_once_and_late_ones_say_so(
    moments: set[int], looks: list[int]
) -> None:
    plan = book(checks=[CheckFacts(at=minute * 60) for minute in moments])
    made: dict[str, tuple[ScheduledCheck, datetime]] = {}
    for minute in sorted(looks):
        now = NOW + timedelta(minutes=minute, seconds=30)
        found = list(due_checks(plan, ATTEMPT, made, now))
        assert [one.due_at for one in found] == sorted(one.due_at for one in found)
        made |= {one.key: (one, now) for one in found}
    assert {one.check.at for one, _ in made.values()} == {
        minute * 60 for minute in moments if minute <= max(looks)
    }
    for one, now in made.values():
        assert one.due_at <= now
        assert one.is_late(now) == ("late" in why_made(one, now)) == (now - one.due_at >= LATE)
