"""What follows from a person's call."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from guarded import NOW, ROLLOUT, playbook
from guarded.playbook import weights
from handrail.contract import Confirmation
from handrail_receiver.model import (
    FINISHED,
    Attempt,
    AttemptState,
    Begin,
    Capture,
    Captured,
    Conditions,
    Decision,
    Effect,
    EndAll,
    History,
    LastSaid,
    Once,
    Open,
    Run,
    RunState,
    SetHold,
    SetReady,
    SetState,
    Verdict,
)
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.call_decision import decide_call

ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW, NOW, "alice")
HISTORY = History(ATTEMPT)
CONDITIONS = Conditions(NOW)
BOOK = playbook()
PINNED = {"rollback": weights(0, 100)}


def asked(verb: str, **more: object) -> Call:
    return replace(Call(verb, "alice", pinned=PINNED), **more)  # type: ignore[arg-type]


def said(one: Call, history: History = HISTORY, conditions: Conditions = CONDITIONS) -> tuple[str, str, str]:
    made = decide_call(one, BOOK, history, conditions)
    return made.verdict.value, made.reason, made.text


def run(action: str, state: RunState, key: str = "") -> Run:
    return Run(1, 7, ROLLOUT, action, key, 0, state, "alice", "why", NOW, NOW, NOW)


def test_a_start_begins_an_attempt_and_enters_its_first_stage() -> None:
    captured = (Captured("error-rate", "before", 0.2),)
    assert decide_call(asked("start", captured=captured), BOOK, History(), CONDITIONS) == Decision(
        verdict=Verdict.act,
        reason="asked-for",
        text="a new attempt, in stage 10%",
        rollout=ROLLOUT,
        action="start",
        by="alice",
        changes=(
            Begin(ROLLOUT, "10%", PINNED, "", captured, BOOK),
            Open("start", "10%", 0, weights(10, 90), None, NOW),
        ),
    )


def test_a_rollout_without_stages_is_guarded_from_its_start_on() -> None:
    book = playbook(stages=())
    made = decide_call(asked("start"), book, History(), CONDITIONS)
    assert (made.text, made.changes) == (
        "a new attempt, guarding from now on",
        (Begin(ROLLOUT, "", PINNED, "", playbook=book),),
    )


def test_what_cannot_be_rolled_back_does_not_start_unless_a_person_says_so_and_why() -> None:
    one = asked("start", no_way_back=("rollback, http: the token is refused",))
    assert said(one, History()) == (
        "refuse",
        "not-ready",
        "rollback, http: the token is refused; wait or fix it, or say --anyway and --why",
    )
    assert said(replace(one, anyway=True), History())[2].endswith("; say why with --why to go on anyway")
    made = decide_call(replace(one, anyway=True, why="people watch"), BOOK, History(), CONDITIONS)
    assert made.changes[0] == Begin(
        ROLLOUT, "10%", PINNED, "rollback, http: the token is refused", playbook=BOOK
    )


def test_what_is_gone_past_beside_the_way_back_is_not_called_a_missing_way_back() -> None:
    one = asked("start", not_ready=("no figure",), anyway=True, why="people watch")
    made = decide_call(one, BOOK, History(), CONDITIONS)
    assert made.changes[0] == Begin(ROLLOUT, "10%", PINNED, "", playbook=BOOK)
    assert made.text == "a new attempt, in stage 10%, although no figure (says alice: people watch)"


def test_a_blind_guard_starts_and_promotes_nothing() -> None:
    blind = Conditions(NOW, blind="no heartbeat for 900 s")
    text = "the guard is blind: no heartbeat for 900 s; wait or fix it, or say --anyway and --why"
    assert said(asked("start"), History(), blind) == ("refuse", "not-ready", text)
    assert said(asked("promote"), HISTORY, blind) == ("refuse", "not-ready", text)


def test_one_attempt_at_a_time() -> None:
    assert said(asked("start")) == (
        "refuse",
        "already-running",
        "attempt 2 is baking in stage 10%; promote it or roll it back",
    )


def test_a_start_that_failed_is_begun_again_in_the_same_attempt() -> None:
    made = decide_call(
        asked("start"), BOOK, History(ATTEMPT, (run("start", RunState.failed, "10%"),)), CONDITIONS
    )
    assert made.changes == (SetHold(""), Open("start", "10%", 1, weights(10, 90), None, NOW))


def test_a_promotion_enters_the_next_stage() -> None:
    captured = (Captured("error-rate", "stage:10%", 0.1),)
    made = decide_call(asked("promote", captured=captured), BOOK, HISTORY, CONDITIONS)
    assert made.changes == (
        SetHold(""),
        SetReady(""),
        Capture(captured),
        Open("promote", "50%", 0, weights(50, 50), None, NOW),
    )


def test_a_way_back_that_was_lost_stops_a_promotion_unless_a_person_says_so() -> None:
    one = asked("promote", no_way_back=("rollback, http: the token is refused",))
    assert said(one)[:2] == ("refuse", "not-ready")
    made = decide_call(replace(one, anyway=True, why="people watch"), BOOK, HISTORY, CONDITIONS)
    assert SetReady("rollback, http: the token is refused") in made.changes


def test_after_the_last_stage_the_rollout_is_complete() -> None:
    last = History(replace(ATTEMPT, stage="100%"))
    made = decide_call(asked("promote"), BOOK, last, CONDITIONS)
    assert (made.text, made.changes) == (
        "the rollout is complete",
        (SetState(AttemptState.complete), Once(FINISHED)),
    )


def test_a_stage_is_not_left_before_its_time() -> None:
    holding = History(replace(ATTEMPT, stage="50%"))
    assert said(asked("promote"), holding) == (
        "refuse",
        "not-ready",
        "stage 50% bakes for 1 h: until 2026-03-01 04:00:00 UTC; wait or fix it, or say --anyway and --why",
    )
    assert said(asked("promote"), holding, Conditions(NOW + timedelta(hours=1)))[0] == "act"


@pytest.mark.parametrize(
    ("action", "state", "reason", "text"),
    [
        (
            "start",
            RunState.open,
            "under-way",
            "attempt 2 is still entering its first stage; wait for it or roll back",
        ),
        (
            "promote",
            RunState.open,
            "under-way",
            "attempt 2 is still entering a stage, or its share is being reduced; wait for it or roll back",
        ),
        (
            "rollback",
            RunState.waiting,
            "under-way",
            "a rollback of attempt 2 waits to be confirmed; wait for it or roll back",
        ),
        (
            "rollback",
            RunState.open,
            "rolling-back",
            "attempt 2 is being rolled back; wait for its end; if it fails, `rollback` tries again, `adopt` takes a corrected playbook, `abandon` ends it",
        ),
        (
            "rollback",
            RunState.proving,
            "rolling-back",
            "attempt 2 is being rolled back; wait for its end; if it fails, `rollback` tries again, `adopt` takes a corrected playbook, `abandon` ends it",
        ),
    ],
)
def test_nothing_is_promoted_while_something_is_under_way_not_even_anyway(
    action: str, state: RunState, reason: str, text: str
) -> None:
    busy = History(ATTEMPT, (run(action, state, "50%" if action == "promote" else ""),))
    verdict, why, sentence = said(asked("promote", anyway=True, why="I know"), busy)
    assert (verdict, why, sentence) == (
        "refuse",
        reason,
        text,
    )


@pytest.mark.parametrize("verb", ["promote", "hold", "resume"])
def test_without_an_active_attempt_there_is_nothing_to_steer(verb: str) -> None:
    assert said(asked(verb), History()) == (
        "refuse",
        "no-attempt",
        "no attempt was started; `handrail rollout start shop` begins one",
    )


def test_a_person_s_rollback_is_the_same_as_an_alert_s() -> None:
    made = decide_call(asked("rollback", why="customers call"), BOOK, HISTORY, CONDITIONS)
    assert made.text == "alice asked for a rollback: customers call"
    assert made.changes == (
        SetState(AttemptState.rolling_back),
        Open("rollback", "", 0, weights(0, 100), None, NOW, supersedes=True),
    )


@pytest.mark.parametrize("state", [state for state in RunState if state != RunState.open])
def test_a_persons_rollback_always_reads_the_targets_whatever_is_recorded(state: RunState) -> None:
    for attempt in (AttemptState.active, AttemptState.rolling_back, AttemptState.rolled_back):
        history = History(replace(ATTEMPT, state=attempt), (run("rollback", state),))
        made = decide_call(asked("rollback"), BOOK, history, CONDITIONS)
        assert (made.verdict, made.reason) == (Verdict.act, "asked-for")
        assert made.changes == (
            SetState(AttemptState.rolling_back),
            Open("rollback", "", 1, weights(0, 100), None, NOW, supersedes=True),
        )


def test_a_rollback_that_reads_the_targets_just_now_is_not_begun_again_and_nobody_is_refused() -> None:
    effects = tuple(Effect(place, step) for place, step in enumerate(weights(0, 100)))
    history = History(ATTEMPT, (replace(run("rollback", RunState.open), effects=effects),))
    assert said(asked("rollback"), history) == (
        "repeat",
        "under-way",
        "a rollback is under way; each of its steps reads its target first",
    )
    other = History(replace(ATTEMPT, pinned={"rollback": weights(0, 99)}), history.runs)
    assert decide_call(asked("rollback"), BOOK, other, CONDITIONS).verdict == Verdict.act


def test_a_rollback_without_an_attempt_needs_a_reason() -> None:
    assert said(asked("rollback"), History())[1] == "no-attempt"
    made = decide_call(asked("rollback", anyway=True, why="it burns"), BOOK, History(), CONDITIONS)
    assert [type(change) for change in made.changes] == [Begin, SetState, Open]


def test_a_rollback_after_the_end_goes_back_to_what_was_pinned_before_it() -> None:
    before = {"rollback": weights(1, 99)}
    over = History(replace(ATTEMPT, state=AttemptState.complete, pinned=before))
    made = decide_call(asked("rollback", anyway=True, why="it burns"), BOOK, over, CONDITIONS)
    assert made.changes == (
        Begin(ROLLOUT, "10%", before, "", playbook=BOOK),
        SetState(AttemptState.rolling_back),
        Open("rollback", "", 0, weights(1, 99), None, NOW, supersedes=True),
    )


FAILED = replace(run("promote", RunState.failed, "50%"), text="no answer")


def test_a_failed_promotion_is_retried_into_the_same_stage_and_no_stage_is_skipped() -> None:
    held = History(replace(ATTEMPT, held="promote failed: no answer"), (FAILED,))
    again = (
        SetHold(""),
        SetReady(""),
        Capture(()),
        Open("promote", "50%", 1, weights(50, 50), None, NOW),
    )
    assert decide_call(asked("retry"), BOOK, held, CONDITIONS).changes == again
    assert decide_call(asked("promote"), BOOK, HISTORY, CONDITIONS).changes[-1] == replace(again[-1], round=0)
    assert said(asked("promote"), held)[1:] == (
        "not-ready",
        "held: promote failed: no answer; wait or fix it, or say --anyway and --why",
    )
    other = History(replace(ATTEMPT, held="bob: look at the logs"), (FAILED,))
    assert said(asked("retry"), other)[2].startswith("held: bob: look at the logs")
    assert said(asked("retry")) == (
        "refuse",
        "nothing-failed",
        "nothing failed in attempt 2; promote it",
    )


def test_a_first_stage_that_was_not_entered_is_retried_and_never_gone_past() -> None:
    failed = replace(run("start", RunState.failed, "10%"), text="no answer")
    history = History(replace(ATTEMPT, held="start failed: no answer"), (failed,))
    assert decide_call(asked("retry"), BOOK, history, CONDITIONS).changes == (
        SetHold(""),
        Open("start", "10%", 1, weights(10, 90), None, NOW),
    )
    refused = (
        "refuse",
        "not-entered",
        "stage 10% was not entered: start failed: no answer; `handrail rollout retry shop` enters it once more",
    )
    assert said(asked("promote"), history) == refused
    assert said(asked("promote", anyway=True, why="I want it"), history) == refused


@pytest.mark.parametrize(
    ("to", "text"),
    [
        ("10%", "you meant 10%, which it has entered; next comes 50%: --to 50%"),
        ("100%", "you meant 100%, which is not the next; next comes 50%: --to 50%"),
        ("60%", "you meant 60%, and it has no such stage; next comes 50%: --to 50%"),
    ],
)
def test_a_call_that_names_another_stage_than_comes_next_is_refused(to: str, text: str) -> None:
    assert said(asked("promote", to=to)) == ("refuse", "other-stage", text)
    assert said(asked("promote", to=to, anyway=True, why="I want it")) == ("refuse", "other-stage", text)


def test_right_after_a_promotion_the_next_one_must_name_its_stage() -> None:
    entered = replace(ATTEMPT, stage="50%", stage_entered_at=NOW - timedelta(seconds=9))
    history = History(entered, (replace(run("promote", RunState.done, "50%"), asked_by="bob"),))
    sure = {"anyway": True, "why": "the hold is over for me"}
    assert said(asked("promote", **sure), history) == (
        "refuse",
        "name-the-stage",
        "bob entered 50% 9 s ago; if you mean 100%, say --to 100%",
    )
    assert decide_call(asked("promote", to="100%", **sure), BOOK, history, CONDITIONS).verdict == Verdict.act
    later = replace(CONDITIONS, now=NOW + timedelta(minutes=1))
    assert decide_call(asked("promote", **sure), BOOK, history, later).verdict == Verdict.act
    last = History(replace(entered, stage="100%"), (run("promote", RunState.done, "100%"),))
    assert said(asked("promote"), last)[2].endswith("if you mean complete, say --to complete")
    assert decide_call(asked("promote", to="complete"), BOOK, last, CONDITIONS).changes == (
        SetState(AttemptState.complete),
        Once(FINISHED),
    )


def test_an_attempt_is_abandoned_with_a_reason_and_without_an_act() -> None:
    for state in (AttemptState.active, AttemptState.rolling_back, AttemptState.rolled_back):
        history = History(replace(ATTEMPT, state=state))
        assert said(asked("abandon"), history)[:2] == ("refuse", "no-reason")
        assert decide_call(asked("abandon", why="moved"), BOOK, history, CONDITIONS).changes == (
            EndAll(),
            SetState(AttemptState.abandoned),
        )


def test_what_still_fires_is_asked_of_prometheus_for_the_new_attempt() -> None:
    said_before = (
        LastSaid("1", "error-rate/critical", firing=True, at=NOW),
        LastSaid("2", "error-rate/critical", firing=True, at=NOW),
        LastSaid("3", "error-rate/warning", firing=True, at=NOW),
        LastSaid("4", "leaks/critical", firing=False, at=NOW),
    )
    over = History(replace(ATTEMPT, state=AttemptState.rolled_back), said=said_before)
    tier = BOOK.tier("error-rate", "critical")
    assert tier is not None
    asks = Confirmation(after=0, expr=tier.expr, unreachable="hold")
    opened = decide_call(asked("start", anyway=True, why="fixed"), BOOK, over, CONDITIONS).changes[2:]
    assert opened == (
        Open("rollback", "error-rate/critical", 0, weights(0, 100), None, NOW, asks, by="alert"),
    )


def test_a_start_that_enters_its_first_stage_once_more_asks_for_what_a_retry_asks_for() -> None:
    failed = Run(1, 7, ROLLOUT, "start", "10%", 0, RunState.failed, "alice", "x", NOW, NOW, NOW, NOW, NOW)
    held = History(replace(ATTEMPT, stage="10%", held="bob: stop"), (failed,))
    now = replace(CONDITIONS, stopped=True)
    start, retry = (said(asked(verb, not_ready=("no answer",)), held, now) for verb in ("start", "retry"))
    assert start == retry
    assert start[:2] == ("refuse", "not-ready")
    assert start[2].startswith("no answer; held: bob: stop; the kill switch is set")
