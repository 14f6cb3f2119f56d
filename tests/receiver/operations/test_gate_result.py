"""How the gate into a stage stands for a program: which answer, and why, wherever the attempt is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from guarded import NOW, ROLLOUT, playbook
from handrail.contract import Gate
from handrail_receiver.gates.gate import FiringTiers, GateInputs, judge, next_gate
from handrail_receiver.model import Attempt, AttemptState, Conditions, History
from handrail_receiver.operations.gate_result import (
    UNHEARD,
    GateQuestion,
    GateResult,
    UnknownStage,
    gate_result,
)
from handrail_receiver.operations.preflight import Preflight

DAY = timedelta(days=1)
BOOK = playbook(gates=(Gate(into="50%", manual=("Is it quiet?",)),))
ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW - DAY, NOW - DAY, "alice")
AT_LAST = replace(ATTEMPT, stage="100%")
AWAY = Preflight(("Prometheus does not answer: timeout",), ("Prometheus: timeout",), answered=False)
OLD = Preflight(("the rules are of different age",), ("rules",))


def stands(
    attempt: Attempt | None, into: str = "", before: Preflight | None = None, now: Conditions | None = None
) -> GateResult:
    history = History(attempt)
    before = before or Preflight()
    at = next_gate(BOOK, history, GateInputs(fires=before.fires), NOW)
    gate = judge(at) if at and attempt is not None else None
    return gate_result(GateQuestion(BOOK, history, gate, before, now or Conditions(NOW)), into)


@pytest.mark.parametrize(
    ("attempt", "into", "answer", "text"),
    [
        (None, "", "none", "no attempt was started"),
        (ATTEMPT, "", "closed", "nobody has answered 'Is it quiet?'"),
        (ATTEMPT, "10%", "passed", "attempt 2 has passed it, and is in stage 10%, baking"),
        (ATTEMPT, "100%", "closed", "it is in stage 10%, baking, and 50% comes before 100%"),
        (replace(ATTEMPT, stage="50%"), "100%", "open", "nothing is missing"),
        (AT_LAST, "complete", "open", "nothing is missing"),
        (
            replace(AT_LAST, state=AttemptState.complete),
            "complete",
            "passed",
            "attempt 2 has passed it, and is complete",
        ),
        (
            replace(AT_LAST, state=AttemptState.complete),
            "",
            "none",
            "attempt 2 is complete: no gate lies ahead",
        ),
        (replace(ATTEMPT, state=AttemptState.rolled_back), "10%", "over", "attempt 2 is rolled-back"),
        (replace(ATTEMPT, state=AttemptState.abandoned), "", "over", "attempt 2 is abandoned"),
    ],
)
def test_the_answer_where_the_attempt_is(attempt: Attempt | None, into: str, answer: str, text: str) -> None:
    found = stands(attempt, into)
    assert (found.answer, found.text) == (answer, text)


@pytest.mark.parametrize(
    ("attempt", "before", "now", "answer", "against", "unknown"),
    [
        (AT_LAST, AWAY, Conditions(NOW), "unknown", (), AWAY.problems),
        (AT_LAST, OLD, Conditions(NOW), "closed", OLD.problems, ()),
        (
            AT_LAST,
            Preflight(fires=FiringTiers(("error-rate/warning",))),
            Conditions(NOW),
            "closed",
            ("error-rate/warning fires",),
            (),
        ),
        (
            replace(AT_LAST, held="bob: lunch"),
            Preflight(),
            Conditions(NOW),
            "closed",
            ("held: bob: lunch",),
            (),
        ),
        (
            AT_LAST,
            Preflight(),
            Conditions(NOW, stopped=True),
            "closed",
            ("the kill switch is set: nothing would be rolled back automatically",),
            (),
        ),
        (AT_LAST, Preflight(), Conditions(NOW, unheard=True), "unknown", (), (UNHEARD,)),
        (
            replace(AT_LAST, rollback_ready="no such server"),
            Preflight(),
            Conditions(NOW),
            "closed",
            ("a rollback is not known to work: no such server",),
            (),
        ),
    ],
    ids=[
        "Prometheus is away",
        "old rules",
        "something fires",
        "held",
        "kill switch",
        "nobody has asked",
        "no way back",
    ],
)
def test_what_else_stands_against_a_promotion(
    attempt: Attempt,
    before: Preflight,
    now: Conditions,
    answer: str,
    against: tuple[str, ...],
    unknown: tuple[str, ...],
) -> None:
    found = stands(attempt, "", before, now)
    assert (found.answer, found.against, found.unknown) == (answer, against, unknown)


def test_a_stage_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(UnknownStage, match=r"^shop has no stage 75%; it has 10%, 50%, 100%, complete$"):
        stands(ATTEMPT, "75%")
