"""What still fires when an attempt begins counts in it as anything else does: in a warm-up, without steps, beyond the budget."""

from __future__ import annotations

from dataclasses import replace

import pytest
from guarded import NOW, ROLLOUT, playbook
from guarded.playbook import weights
from handrail.contract import Confirmation, Playbook, StageFacts
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    Change,
    Conditions,
    Heard,
    History,
    LastSaid,
    LeftToPeople,
    Open,
    Run,
    RunState,
    SetHold,
)
from handrail_receiver.operations.still_firing import still_firing

OVER = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.rolled_back, "10%", NOW, NOW, "alice")
FIRES = LastSaid("1", "error-rate/critical", firing=True, at=NOW, origin="alertmanager")
LEAKS = LastSaid("2", "leaks/critical", firing=True, at=NOW)
BY_ITSELF = Run(1, 7, ROLLOUT, "rollback", "", 0, RunState.done, "alert", "errors", NOW, NOW, NOW, NOW, NOW)
FREE = Conditions(NOW)


def carried(book: Playbook, history: History | None = None, now: Conditions = FREE) -> tuple[Change, ...]:
    return still_firing(book, history or History(OVER, said=(FIRES,)), {}, now)


def test_in_a_warm_up_it_is_remembered_and_an_emergency_is_asked_about_at_once() -> None:
    warm = playbook(stages=(StageFacts(name="10%", weight=0.1, bake=60, warm_up=60),))
    tier = warm.tier("leaks", "critical")
    assert tier is not None
    asks = Confirmation(after=0, expr=tier.expr, unreachable="hold")
    assert carried(warm, History(OVER, said=(LEAKS, FIRES))) == (
        Heard("1", "error-rate/critical", firing=True, origin="alertmanager"),
        Open("security-rollback", "leaks/critical", 0, weights(0, 100), None, NOW, asks, by="alert"),
    )


@pytest.mark.parametrize(
    ("book", "history", "now", "why"),
    [
        (
            playbook(budget_per_day=3),
            History(OVER, (BY_ITSELF,), said=(FIRES,), automatic_today=2),
            FREE,
            "3 automatic rollbacks of shop within a day; people must carry out the rollback",
        ),
        (
            playbook(),
            None,
            replace(FREE, stopped=True),
            "the kill switch is set; people must carry out the rollback",
        ),
        (playbook(steps=()), None, FREE, "the playbook has no steps for rollback; people must act"),
    ],
    ids=["budget spent", "kill switch", "no steps"],
)
def test_people_must_act_where_they_must_for_any_other_alert(
    book: Playbook, history: History | None, now: Conditions, why: str
) -> None:
    left = LeftToPeople("rollback", f"error-rate breaks its critical limit; {why}")
    assert carried(book, history, now) == (SetHold(why), left)


def test_rollbacks_that_people_asked_for_are_no_automatic_ones() -> None:
    by_alice = replace(BY_ITSELF, asked_by="alice")
    history = History(OVER, (by_alice,), said=(FIRES,), automatic_today=2)
    (opened,) = carried(playbook(budget_per_day=3), history)
    assert isinstance(opened, Open)
