"""What follows from a person's call."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from guarded import NOW, ROLLOUT, playbook
from guarded.playbook import weights
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    Begin,
    Captured,
    Conditions,
    Decision,
    Enter,
    History,
    Open,
    Run,
    RunState,
    SetHold,
    SetReady,
    SetState,
    Verdict,
)
from handrail_receiver.operate import Asked, answer

ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW, NOW, "alice")
HISTORY = History(ATTEMPT)
CONDITIONS = Conditions(NOW)
BOOK = playbook()
PINNED = {"rollback": weights(0, 100)}


def asked(verb: str, **more: object) -> Asked:
    return replace(Asked(verb, "alice", pinned=PINNED), **more)  # type: ignore[arg-type]


def said(one: Asked, history: History = HISTORY, conditions: Conditions = CONDITIONS) -> tuple[str, str, str]:
    made = answer(one, BOOK, history, conditions)
    return made.verdict.value, made.reason, made.text


def run(action: str, state: RunState, key: str = "") -> Run:
    return Run(1, 7, ROLLOUT, action, key, 0, state, "alice", "why", NOW, NOW, NOW)


def test_a_start_begins_an_attempt_and_enters_its_first_stage() -> None:
    captured = (Captured("error-rate", "before", 0.2),)
    assert answer(asked("start", captured=captured), BOOK, History(), CONDITIONS) == Decision(
        verdict=Verdict.act,
        reason="asked-for",
        text="a new attempt, in stage 10%",
        rollout=ROLLOUT,
        action="start",
        by="alice",
        changes=(
            Begin(ROLLOUT, "10%", PINNED, "", captured),
            Open("start", "10%", 0, weights(10, 90), None, NOW),
        ),
    )


def test_a_rollout_without_stages_is_guarded_from_its_start_on() -> None:
    made = answer(asked("start"), playbook(stages=()), History(), CONDITIONS)
    assert (made.text, made.changes) == (
        "a new attempt, guarding from now on",
        (Begin(ROLLOUT, "", PINNED, ""),),
    )


def test_what_cannot_be_rolled_back_does_not_start_unless_a_person_says_so_and_why() -> None:
    one = asked("start", no_way_back=("rollback, http: the token is refused",))
    assert said(one, History()) == (
        "refuse",
        "not-ready",
        "rollback, http: the token is refused; mend it, or say --anyway and --why",
    )
    assert said(replace(one, anyway=True), History())[2].endswith("; say why with --why to go on anyway")
    made = answer(replace(one, anyway=True, why="people watch"), BOOK, History(), CONDITIONS)
    assert made.changes[0] == Begin(ROLLOUT, "10%", PINNED, "rollback, http: the token is refused")


def test_what_is_gone_past_beside_the_way_back_is_not_called_a_missing_way_back() -> None:
    one = asked("start", not_ready=("no figure",), anyway=True, why="people watch")
    made = answer(one, BOOK, History(), CONDITIONS)
    assert made.changes[0] == Begin(ROLLOUT, "10%", PINNED, "")
    assert made.text == "a new attempt, in stage 10%, although no figure (says alice: people watch)"


def test_a_blind_guard_starts_and_promotes_nothing() -> None:
    blind = Conditions(NOW, blind="no heartbeat for 900 s")
    text = "the guard is blind: no heartbeat for 900 s; mend it, or say --anyway and --why"
    assert said(asked("start"), History(), blind) == ("refuse", "not-ready", text)
    assert said(asked("promote"), HISTORY, blind) == ("refuse", "not-ready", text)


def test_one_attempt_at_a_time() -> None:
    assert said(asked("start")) == (
        "refuse",
        "already-running",
        "attempt 2 is active in stage 10%; promote it or roll it back",
    )


def test_a_start_that_failed_is_begun_again_in_the_same_attempt() -> None:
    made = answer(asked("start"), BOOK, History(ATTEMPT, (run("start", RunState.failed, "10%"),)), CONDITIONS)
    assert made.changes == (SetHold(""), Open("start", "10%", 1, weights(10, 90), None, NOW))


def test_a_promotion_enters_the_next_stage() -> None:
    captured = (Captured("error-rate", "stage:10%", 0.1),)
    made = answer(asked("promote", captured=captured), BOOK, HISTORY, CONDITIONS)
    assert made.changes == (
        SetHold(""),
        SetReady(""),
        Enter("50%", captured),
        Open("promote", "50%", 0, weights(50, 50), None, NOW),
    )


def test_a_way_back_that_was_lost_stops_a_promotion_unless_a_person_says_so() -> None:
    one = asked("promote", no_way_back=("rollback, http: the token is refused",))
    assert said(one)[:2] == ("refuse", "not-ready")
    made = answer(replace(one, anyway=True, why="people watch"), BOOK, HISTORY, CONDITIONS)
    assert SetReady("rollback, http: the token is refused") in made.changes


def test_after_the_last_stage_the_rollout_is_complete() -> None:
    last = History(replace(ATTEMPT, stage="100%"))
    made = answer(asked("promote"), BOOK, last, CONDITIONS)
    assert (made.text, made.changes) == ("the rollout is complete", (SetState(AttemptState.complete),))


def test_a_stage_is_not_left_before_its_time() -> None:
    holding = History(replace(ATTEMPT, stage="50%"))
    assert said(asked("promote"), holding) == (
        "refuse",
        "not-ready",
        "stage 50% holds until 2026-03-01 04:00:00 UTC; mend it, or say --anyway and --why",
    )
    assert said(asked("promote"), holding, Conditions(NOW + timedelta(hours=1)))[0] == "act"


@pytest.mark.parametrize("state", [RunState.waiting, RunState.open, RunState.proving])
def test_nothing_is_promoted_while_something_is_under_way_not_even_anyway(state: RunState) -> None:
    busy = History(ATTEMPT, (run("rollback", state),))
    assert said(asked("promote", anyway=True, why="I know"), busy)[:2] == ("refuse", "under-way")


@pytest.mark.parametrize("verb", ["promote", "hold", "resume"])
def test_without_an_active_attempt_there_is_nothing_to_steer(verb: str) -> None:
    assert said(asked(verb), History()) == (
        "refuse",
        "no-attempt",
        "no attempt was started; `handrail rollout start shop` begins one",
    )


def test_a_person_s_rollback_is_the_same_as_an_alert_s() -> None:
    made = answer(asked("rollback", why="customers call"), BOOK, HISTORY, CONDITIONS)
    assert made.text == "alice asked for a rollback: customers call"
    assert made.changes == (
        SetState(AttemptState.rolling_back),
        Open("rollback", "", 0, weights(0, 100), None, NOW, supersedes=True),
    )


def test_a_rollback_is_done_once_and_again_only_when_it_failed() -> None:
    def after(state: RunState) -> str:
        return answer(asked("rollback"), BOOK, History(ATTEMPT, (run("rollback", state),)), CONDITIONS).reason

    assert [after(state) for state in (RunState.open, RunState.done, RunState.proved, RunState.failed)] == [
        "under-way",
        "already-done",
        "already-done",
        "asked-for",
    ]


def test_a_rollback_without_an_attempt_needs_a_reason() -> None:
    assert said(asked("rollback"), History())[1] == "no-attempt"
    made = answer(asked("rollback", anyway=True, why="it burns"), BOOK, History(), CONDITIONS)
    assert [type(change) for change in made.changes] == [Begin, SetState, Open]


def test_a_rollback_after_the_end_goes_back_to_what_was_pinned_before_it() -> None:
    before = {"rollback": weights(1, 99)}
    over = History(replace(ATTEMPT, state=AttemptState.complete, pinned=before))
    made = answer(asked("rollback", anyway=True, why="it burns"), BOOK, over, CONDITIONS)
    assert made.changes == (
        Begin(ROLLOUT, "10%", before, ""),
        SetState(AttemptState.rolling_back),
        Open("rollback", "", 0, weights(1, 99), None, NOW, supersedes=True),
    )
