"""What a rollout waits for, and until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from guarded import NOW, ROLLOUT, playbook
from guarded.playbook import weights
from handrail.contract import Proof, StageFacts
from handrail_receiver.gates.gate import GateStatus
from handrail_receiver.gates.requirement import Requirement
from handrail_receiver.model import (
    CHANGED,
    FINISHED,
    Attempt,
    AttemptState,
    Effect,
    EffectState,
    History,
    Run,
    RunState,
)
from handrail_receiver.view_models.waiting import Waiting, waits_for

IN_50 = Attempt(1, ROLLOUT, ROLLOUT, 4, AttemptState.active, "50%", NOW, NOW, "alice")
MINUTE = timedelta(minutes=1)
OVER = 61 * MINUTE
BAKES = Requirement("bake", "stage 50% bakes for 1 h", met=False, text="not yet")
ERRORS = Requirement("criterion", "errors", met=False, text="errors: broken within the last 55 min")
LEAD = Requirement("approval", "lead", met=False, text="nobody has approved as 'lead'")
DONE = Requirement("check", "Is the log clean?", met=True, text="alice says yes")


def run(action: str, state: RunState, *effects: EffectState) -> Run:
    steps = (
        Effect(place, step, state)
        for place, (step, state) in enumerate(zip(weights(0, 100), effects, strict=False))
    )
    proof = Proof(expr="x", at_most=0, within=600)
    return Run(
        1, 1, ROLLOUT, action, "50%", 0, state, "alice", "x", NOW, NOW, NOW, effects=tuple(steps), proof=proof
    )


def waiting(history: History, *asks: Requirement, after: timedelta = MINUTE) -> Waiting:
    gate = GateStatus("100%", "abc", asks) if asks else None
    return waits_for(playbook(), history, gate, NOW + after)


def test_while_a_stage_bakes_it_says_until_when_and_what_people_can_do_meanwhile() -> None:
    assert waiting(History(IN_50), BAKES, ERRORS, LEAD, DONE) == Waiting(
        "It waits for stage 50% to bake until 2026-03-01 04:00:00 UTC (in 59 min), and then into stage 100%;"
        " also missing: an approval as lead."
    )


def test_once_it_has_baked_it_waits_for_those_who_have_to_say_something() -> None:
    assert waiting(History(IN_50), ERRORS, LEAD, after=OVER) == Waiting(
        "It waits for an approval as lead; also missing: errors: broken within the last 55 min.",
        for_people=True,
    )


def test_what_nobody_can_do_anything_about_yet_is_left_out_while_a_stage_bakes() -> None:
    hour_24 = Requirement("check", "Hour 24: Is it calm?", met=False, text="not yet: from tomorrow on")
    probe = Requirement("probe", "probe health", met=False, text="probe health: not yet")
    made = Requirement("checks", "all 2 checks made", met=False, text="not made yet: T+1h", known=False)
    due = Requirement("check", "Hour 1: Is it calm?", met=False, text="nobody has answered", cure="answer")
    said = waiting(History(IN_50), BAKES, probe, made, hour_24, due).text
    assert said.endswith("; also missing: an answer to “Hour 1: Is it calm?”.")


def test_a_gate_that_only_figures_keep_closed_waits_for_nobody() -> None:
    assert waiting(History(IN_50), ERRORS, after=OVER) == Waiting(
        "It waits for its gate into stage 100%: errors: broken within the last 55 min."
    )


def test_an_open_gate_waits_for_a_person() -> None:
    assert waiting(History(IN_50), DONE, after=OVER) == Waiting(
        "It waits for a person to promote it into stage 100%.", for_people=True
    )


STAGES = {
    name: StageFacts(
        name="50%", weight=0.5, bake=3600, warm_up=600, advance="when-met", deadline=7200, at_deadline=name
    )
    for name in ("hold", "rollback", "page")
}


def by_itself(*asks: Requirement, after: timedelta, then: str = "hold") -> str:
    book = playbook(stages=(STAGES[then], StageFacts(name="100%", weight=1.0, bake=None)))
    return waits_for(book, History(IN_50), GateStatus("100%", "abc", asks), NOW + after).text


def test_a_stage_that_goes_on_by_itself_waits_for_no_person_and_says_what_its_deadline_brings() -> None:
    late = " If it is still in stage 50% at 2026-03-01 05:00:00 UTC, it is"
    assert by_itself(after=MINUTE) == (
        "It waits for stage 50% to bake until 2026-03-01 04:10:00 UTC (in 1 h 9 min), and then into stage 100% automatically."
        f"{late} held."
    )
    assert by_itself(after=OVER + 10 * MINUTE, then="rollback") == (
        f"It is promoted into stage 100% automatically: its gate is open.{late} rolled back."
    )
    assert by_itself(ERRORS, after=OVER + 10 * MINUTE, then="page").endswith("05:00:00 UTC, people are told.")


def test_behind_the_last_gate_it_is_guarded_until_it_is_complete() -> None:
    finishing = History(replace(IN_50, state=AttemptState.finishing), once={FINISHED: NOW})
    assert waits_for(playbook(watch_after=3600), finishing, None, NOW + MINUTE) == Waiting(
        "It waits until 2026-03-01 04:00:00 UTC, is guarded until then, and then completes automatically."
    )


def test_one_without_stages_waits_for_a_rollback_that_is_ready_before_it_is_guarded() -> None:
    assert waits_for(playbook(stages=()), History(), None, NOW) == Waiting(
        "It is not guarded. Guarding begins automatically once its rollback is ready; "
        "`handrail rollout drill shop` says what that lacks.",
        for_people=True,
    )


@pytest.mark.parametrize(
    ("history", "said"),
    [
        (History(), Waiting("It waits for nothing: nobody has started it.")),
        (
            History(replace(IN_50, held="alice: look")),
            Waiting("It waits for a person: alice: look", for_people=True),
        ),
        (
            History(IN_50, (run("promote", RunState.open, EffectState.done, EffectState.intended),)),
            Waiting("It waits for the steps of stage 50%: 1 of 2 are done."),
        ),
        (
            History(IN_50, (run("rollback", RunState.waiting),)),
            Waiting(
                "It waits for Prometheus to confirm the rollback, which it is asked for at 2026-03-01 03:00:00 UTC."
            ),
        ),
        (
            History(replace(IN_50, state=AttemptState.rolling_back), (run("rollback", RunState.proving),)),
            Waiting(
                "It waits for Prometheus to see the canary's traffic gone, until 2026-03-01 03:10:00 UTC."
            ),
        ),
        (
            History(replace(IN_50, state=AttemptState.rolling_back), (run("rollback", RunState.failed),)),
            Waiting("It waits for a person: the rollback failed, or could not be proved.", for_people=True),
        ),
        (
            History(replace(IN_50, state=AttemptState.rolled_back, held=f"{CHANGED}weight 10")),
            Waiting("It waits for a person: changed after the rollback: weight 10", for_people=True),
        ),
        (
            History(replace(IN_50, state=AttemptState.complete)),
            Waiting("It waits for nothing: it is complete."),
        ),
    ],
)
def test_each_state_waits_for_something_of_its_own(history: History, said: Waiting) -> None:
    assert waiting(history) == said
