"""Declared checks → made at their time, made up for after a restart, and each once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from handrail_receiver.evidence.schedule import ScheduledCheck, due_checks
from handrail_receiver.model import Attempt, AttemptState

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
BOOK = book(checks=(3600, 900, 1800))


def due(minutes: float, made: tuple[str, ...] = (), attempt: Attempt = ATTEMPT) -> list[str]:
    now = NOW + timedelta(minutes=minutes)
    return [one.why(now) for one in due_checks(BOOK, attempt, made, now)]


def test_each_check_is_due_so_long_after_the_stage_began() -> None:
    assert [due(minutes) for minutes in (14, 15, 15.5)] == [
        [],
        ["T+15 min of stage 10%"],
        ["T+15 min of stage 10%"],
    ]


def test_what_was_made_is_due_no_more() -> None:
    now = NOW + timedelta(minutes=31)
    first, second = due_checks(BOOK, ATTEMPT, (), now)
    assert first == ScheduledCheck(first.key, "10%", timedelta(minutes=15), NOW + timedelta(minutes=15))
    assert list(due_checks(BOOK, ATTEMPT, (first.key,), now)) == [second]


def test_what_was_missed_is_made_up_for_and_marked_late() -> None:
    assert due(61) == [
        "T+15 min of stage 10%, late: it was due 2026-03-01 03:15:00 UTC",
        "T+30 min of stage 10%, late: it was due 2026-03-01 03:30:00 UTC",
        "T+1 h of stage 10%, late: it was due 2026-03-01 04:00:00 UTC",
    ]


def test_the_next_stage_begins_anew() -> None:
    made = tuple(one.key for one in due_checks(BOOK, ATTEMPT, (), NOW + timedelta(hours=1)))
    later = replace(ATTEMPT, stage="50%", stage_entered_at=NOW + timedelta(hours=2))
    assert due(135, made, later) == ["T+15 min of stage 50%"]


def test_an_attempt_that_goes_back_or_is_over_is_not_checked() -> None:
    others = [state for state in AttemptState if state is not AttemptState.active]
    assert [due(60, (), replace(ATTEMPT, state=state)) for state in others] == [[]] * len(others)
