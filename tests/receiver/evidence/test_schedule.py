"""Declared checks → made at their time, made late after a restart, and each once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from guarded.playbook import with_thin
from handrail.contract import CheckFacts
from handrail_receiver.evidence.schedule import due_checks, fires, missed_checks
from handrail_receiver.evidence.snapshot_taker import why_made
from handrail_receiver.model import (
    FINISHED,
    LATE,
    Attempt,
    AttemptState,
    History,
    LastSaid,
    Run,
    RunState,
    ScheduledCheck,
)
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


@pytest.mark.parametrize(
    ("source", "firing", "counts"),
    [
        ("error-rate/critical", True, True),
        ("error-rate/critical", False, False),
        ("error-rate/blind", True, True),
        ("error-rate/thin", True, False),
        ("health/failing", True, True),
    ],
)
def test_a_quiet_night_with_too_few_events_is_nothing_to_look_at_more_often(
    source: str, firing: bool, counts: bool
) -> None:
    history = History(ATTEMPT, said=(LastSaid("x", source, firing=firing, at=NOW),))
    assert fires(with_thin(book()), history) is counts


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


def run(action: str, stage: str, minutes: float, by: str = "handrail") -> Run:
    at = NOW + timedelta(minutes=minutes)
    return Run(int(minutes), 7, "shop", action, stage, 0, RunState.done, by, "asked", at, at, at, at, at)


def missed(history: History, minutes: float, made: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    now = NOW + timedelta(minutes=minutes)
    found = missed_checks(BOOK, history, made, now)
    return [(was.stage, why_made(one, now)) for was, one in found if one.left]


def test_a_check_whose_time_had_come_when_its_stage_was_left_is_still_made() -> None:
    runs = (run("start", "10%", 0), run("promote", "50%", 30), run("promote", "100%", 60))
    left = History(replace(ATTEMPT, stage="100%", stage_entered_at=NOW + timedelta(hours=1)), runs)
    in_first = ["T+15m of stage 10%, late: it was due 2026-03-01 03:15:00 UTC"]
    in_first += ["half-time of stage 10%, late: it was due 2026-03-01 03:30:00 UTC"]
    assert missed(left, 62) == [
        *(("10%", one) for one in in_first),
        ("50%", "T+15m of stage 50%, late: it was due 2026-03-01 03:45:00 UTC"),
    ]
    made = tuple(one.key for _, one in missed_checks(BOOK, left, (), NOW + timedelta(hours=1)))
    assert missed(left, 62, made) == []
    assert missed(left, 25 * 60) == []


def test_it_is_made_after_the_attempt_s_end_too_and_none_is_that_came_later() -> None:
    runs = (run("start", "10%", 0), run("rollback", "", 20, "alert"))
    back = History(replace(ATTEMPT, state=AttemptState.rolled_back), runs)
    assert missed(back, 20.5) == [("10%", "T+15m of stage 10%, late: it was due 2026-03-01 03:15:00 UTC")]
    again = replace(run("rollback", "", 90, "olga"), round=1)
    assert missed(replace(back, runs=(*runs, again)), 91) == missed(back, 91)
    done = replace(ATTEMPT, state=AttemptState.complete)
    passed = History(done, runs[:1], once={FINISHED: NOW + timedelta(minutes=30)})
    assert missed(passed, 30.5) == [
        ("10%", "T+15m of stage 10%, late: it was due 2026-03-01 03:15:00 UTC"),
        ("10%", "half-time of stage 10%"),
    ]
    assert missed(History(ATTEMPT, runs[:1]), 60) == []
