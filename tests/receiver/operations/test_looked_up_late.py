"""What was looked up of an attempt that has become another, ended or come into another stage meanwhile → nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from guarded import NOW, playbook
from handrail_receiver.model import Attempt, AttemptState, Conditions, Decision, History, Run, RunState
from handrail_receiver.operations.call import Call, stands
from handrail_receiver.operations.call_decision import decide_call

ATTEMPT = Attempt(7, "shop", "shop", 2, AttemptState.active, "10%", NOW, NOW, "bob")
FAILED = Run(1, 7, "shop", "promote", "100%", 0, RunState.failed, "alice", "why", NOW, NOW, NOW)


def asked(verb: str, **more: object) -> Call:
    return replace(Call(verb, "alice"), **more)  # type: ignore[arg-type]


def said(call: Call, history: History) -> tuple[str, str, str]:
    made: Decision = decide_call(call, playbook(), history, Conditions(NOW))
    return made.verdict.value, made.reason, made.text


@pytest.mark.parametrize(
    ("looked_at", "attempt", "text"),
    [
        (
            (0, "", ""),
            replace(ATTEMPT, state=AttemptState.rolled_back),
            "attempt 2 became rolled-back in stage 10%",
        ),
        (
            (2, "active", "10%"),
            replace(ATTEMPT, state=AttemptState.rolled_back),
            "attempt 2 became rolled-back in stage 10%",
        ),
        (
            (1, "complete", "100%"),
            replace(ATTEMPT, state=AttemptState.abandoned),
            "attempt 2 became abandoned in stage 10%",
        ),
        ((2, "complete", "100%"), None, "its attempt was removed"),
    ],
)
def test_a_start_is_refused_that_was_asked_for_before_another_attempt_began_or_ended(
    looked_at: tuple[int, str, str], attempt: Attempt | None, text: str
) -> None:
    late = asked("start", looked_at=looked_at, anyway=True, why="now")
    cure = "meanwhile, and nothing was done; look, and start again"
    assert said(late, History(attempt)) == ("refuse", "other-attempt", f"{text} {cure}")
    fresh = asked("start", looked_at=stands(attempt))
    assert said(fresh, History(attempt))[0] == "act"


@pytest.mark.parametrize("looked_at", [(1, "active", "10%"), (2, "active", "5%")], ids=["attempt", "stage"])
@pytest.mark.parametrize("verb", ["promote", "retry"])
def test_what_was_looked_up_of_another_attempt_or_stage_moves_nothing(
    verb: str, looked_at: tuple[int, str, str]
) -> None:
    """Its gate was judged over another time, and its rollback rehearsed by other steps."""
    late = asked(verb, looked_at=looked_at, to="100%", anyway=True, why="now")
    failed = History(ATTEMPT, (FAILED,))
    text = f"attempt 2 became active in stage 10% meanwhile, and nothing was done; look, and {verb} again"
    assert said(late, failed) == ("refuse", "other-attempt", text)
    assert said(replace(late, looked_at=stands(ATTEMPT)), failed)[1] != "other-attempt"
