"""Which buttons there are in each state, and in which order: what somebody on call needs first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from guarded import NOW, ROLLOUT, playbook
from guarded.playbook import reducible, with_thin
from handrail.contract import Playbook
from handrail_receiver.gates.gate import GateStatus
from handrail_receiver.gates.requirement import Requirement
from handrail_receiver.model import (
    CHANGED,
    FINISHED,
    Acknowledged,
    Attempt,
    AttemptState,
    History,
    Incident,
    LastSaid,
    Run,
    RunState,
)
from handrail_receiver.view_models.offer_order import ORDER, SELDOM, Situation
from handrail_receiver.view_models.offers import Asker, Case, offers
from handrail_receiver.web.verbs import VERBS

ACTIVE = Attempt(1, ROLLOUT, ROLLOUT, 4, AttemptState.active, "50%", NOW, NOW, "alice")
BACK = replace(ACTIVE, state=AttemptState.rolled_back)
ROLLING = replace(ACTIVE, state=AttemptState.rolling_back)
INCIDENT = Incident("shop-1", ROLLOUT, 1, 4, NOW, NOW, "rollback", "it burns", "alert")
HAD = replace(INCIDENT, acknowledged=Acknowledged(NOW, "bob", timedelta()))
EARLIER = replace(INCIDENT, id="shop-0", attempt=0, number=3)
GRAVE = replace(HAD, action="security-rollback")
BAKES = Requirement("bake", "stage 50% bakes for 1 h", met=False, text="not yet")
ERRORS = Requirement("criterion", "errors", met=False, text="errors: broken")
QUESTION = Requirement("check", "Is the log clean?", met=False, text="nobody has answered", cure="answer")
LEAD = Requirement("approval", "lead", met=False, text="nobody has approved")
FIRES = LastSaid("x", "error-rate/critical", firing=True, at=NOW)
BOOK = playbook(steps=None).model_copy(
    update={
        "actions": tuple(
            one.model_copy(update={"steps": one.steps[:1]}) if one.name == "emergency-rollback" else one
            for one in playbook().actions
        )
    }
)
EVERYTHING = Asker("alice", frozenset(verb.name for verb in VERBS), lambda _: True)


def run(action: str, state: RunState) -> Run:
    return Run(1, 1, ROLLOUT, action, "50%", 0, state, "alice", "x", NOW, NOW, NOW, text="no answer")


def buttons(history: History, *asks: Requirement, gate: bool = True, book: Playbook = BOOK) -> list[str]:
    status = GateStatus("100%", "abc", asks) if gate else None
    return [one.label for one in offers(Case(book, history, status), EVERYTHING)]


WAY_BACK = ["Roll back", "Emergency rollback"]
OF_IT = ["Note on the incident", "Close the incident"]
LAST = ["Rehearse a rollback", "Abandon"]
IN_STATE: Mapping[str, tuple[list[str], list[str]]] = {
    "not started": (
        buttons(History(), QUESTION),
        ["Answer: Is the log clean?", "Start an attempt", "Rehearse a rollback"],
    ),
    "entering": (
        buttons(History(ACTIVE, runs=(run("start", RunState.open),)), gate=False),
        [*WAY_BACK, "Hold", *LAST],
    ),
    "baking": (
        buttons(History(ACTIVE), BAKES, QUESTION),
        [*WAY_BACK, "Hold", "Answer: Is the log clean?", "Promote into 100%", *LAST],
    ),
    "baked, and a criterion is broken": (
        buttons(History(ACTIVE), ERRORS),
        [*WAY_BACK, "Hold", "Promote into 100%", *LAST],
    ),
    "waiting for an answer": (
        buttons(History(ACTIVE), QUESTION, LEAD),
        ["Answer: Is the log clean?", *WAY_BACK, "Hold", "Promote into 100%", *LAST],
    ),
    "waiting for approval": (
        buttons(History(ACTIVE), LEAD),
        ["Approve as lead", *WAY_BACK, "Hold", "Promote into 100%", *LAST],
    ),
    "waiting for approval while something fires": (
        buttons(History(ACTIVE, said=(FIRES,)), LEAD),
        [*WAY_BACK, "Hold", "Approve as lead", "Promote into 100%", *LAST],
    ),
    "its gate is open, and there are too few events of one guardrail": (
        buttons(History(ACTIVE, said=(replace(FIRES, source="error-rate/thin"),)), book=with_thin(BOOK)),
        ["Promote into 100%", *WAY_BACK, "Hold", *LAST],
    ),
    "its gate is open": (
        buttons(History(ACTIVE)),
        ["Promote into 100%", *WAY_BACK, "Hold", *LAST],
    ),
    "baking while nobody has the incident of the attempt before": (
        buttons(History(ACTIVE, incidents=(EARLIER,)), BAKES),
        ["Acknowledge the incident", *WAY_BACK, "Hold", "Promote into 100%", *OF_IT, *LAST],
    ),
    "baking, and there is something softer than a rollback": (
        buttons(History(ACTIVE), BAKES, book=reducible(BOOK)),
        ["Reduce to 5 %", *WAY_BACK, "Hold", "Promote into 100%", *LAST],
    ),
    "reduced": (
        buttons(
            History(replace(ACTIVE, held="reduced by bob: slow"), runs=(run("reduce", RunState.done),)),
            LEAD,
            book=reducible(BOOK),
        ),
        [*WAY_BACK, "Enter 50% again", "Approve as lead", *LAST],
    ),
    "held by somebody": (
        buttons(History(replace(ACTIVE, held="bob: lunch")), LEAD),
        [*WAY_BACK, "Resume", "Approve as lead", *LAST],
    ),
    "held since a stage was not entered": (
        buttons(History(ACTIVE, runs=(run("promote", RunState.failed),))),
        [*WAY_BACK, "Try again", "Hold", *LAST],
    ),
    "a rollback was asked of people": (
        buttons(History(replace(ACTIVE, held="people must roll back"), incidents=(INCIDENT,))),
        ["Acknowledge the incident", *WAY_BACK, "Resume", *OF_IT, *LAST],
    ),
    "a rollback waits to be confirmed": (
        buttons(History(ACTIVE, runs=(run("rollback", RunState.waiting),)), gate=False),
        [*WAY_BACK, "Hold", *LAST],
    ),
    "rolling back": (
        buttons(History(ROLLING, runs=(run("rollback", RunState.open),), incidents=(INCIDENT,)), gate=False),
        [
            "Acknowledge the incident",
            "Emergency rollback",
            "Roll back",
            "Note on the incident",
            *LAST,
        ],
    ),
    "a rollback failed": (
        buttons(History(ROLLING, runs=(run("rollback", RunState.failed),), incidents=(HAD,)), gate=False),
        ["Try again", "Emergency rollback", "Roll back", "Note on the incident", *LAST],
    ),
    "rolled back, and nobody has the incident": (
        buttons(History(BACK, incidents=(INCIDENT,))),
        ["Acknowledge the incident", *OF_IT, "Start an attempt", *WAY_BACK, *LAST],
    ),
    "rolled back, and somebody has the incident": (
        buttons(History(BACK, incidents=(HAD,))),
        [*OF_IT, "Start an attempt", *WAY_BACK, *LAST],
    ),
    "rolled back for security": (
        buttons(History(BACK, incidents=(GRAVE,))),
        [*OF_IT, *WAY_BACK, *LAST],
    ),
    "rolled back, and a target was changed since": (
        buttons(History(replace(BACK, held=f"{CHANGED}weight 10"), incidents=(INCIDENT,))),
        ["Acknowledge the incident", *WAY_BACK, *OF_IT, "Start an attempt", *LAST],
    ),
    "rolled back, and its incident is closed": (
        buttons(History(BACK)),
        ["Start an attempt", *WAY_BACK, *LAST],
    ),
    "guarded after its last gate": (
        buttons(
            History(replace(ACTIVE, state=AttemptState.finishing), once={FINISHED: NOW}),
            gate=False,
        ),
        [*WAY_BACK, "Hold", *LAST],
    ),
    "guarding without stages": (
        buttons(History(replace(ACTIVE, stage="")), gate=False),
        [*WAY_BACK, "Hold", *LAST],
    ),
    "complete": (
        buttons(History(replace(ACTIVE, state=AttemptState.complete))),
        ["Start an attempt", "Rehearse a rollback"],
    ),
    "complete, and an incident is open": (
        buttons(History(replace(ACTIVE, state=AttemptState.complete), incidents=(EARLIER,))),
        ["Acknowledge the incident", *OF_IT, "Start an attempt", "Rehearse a rollback"],
    ),
    "abandoned": (
        buttons(History(replace(ACTIVE, state=AttemptState.abandoned))),
        ["Start an attempt", "Rehearse a rollback"],
    ),
}


@pytest.mark.parametrize("state", IN_STATE)
def test_in_each_state_what_somebody_on_call_needs_first_stands_first(state: str) -> None:
    found, expected = IN_STATE[state]
    assert found == expected


def test_no_button_is_left_out_of_the_order_of_a_state() -> None:
    always = {"ack", "note", "close", *SELDOM}
    goes = {
        "rollback",
        "emergency-rollback",
        "hold",
        "promote",
        "check",
        "approve",
        "retry",
        "reduce",
        "resume",
        "start",
    }
    placed = {verb for order in ORDER.values() for verb in order} | always
    assert (set(ORDER), placed) == (set(Situation), always | goes)
    assert {verb.name for verb in VERBS} <= placed


def test_who_has_an_incident_is_asked_again_once_an_alert_began_after_that() -> None:
    later = replace(FIRES, at=NOW + timedelta(minutes=1))
    labels = [buttons(History(BACK, incidents=(HAD,), said=(said,))) for said in (FIRES, later)]
    assert ["Acknowledge the incident" in one for one in labels] == [False, True]
