"""The table of the attempt's state machine says what the receiver does, and docs/how-to/walk.md shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from guarded import NOW, ROLLOUT, playbook, signal
from handrail_receiver.decide.decide import decide
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    Begin,
    Conditions,
    Decision,
    History,
    Run,
    RunState,
    SetState,
    Verdict,
)
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.call_decision import decide_call
from handrail_receiver.operations.state_machine import TABLE, as_markdown, leads_to, may
from handrail_receiver.web.verbs import VERBS

ROOT = Path(__file__).parents[3]
ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW, NOW, "alice", playbook=playbook())
STATES = (None, *AttemptState)
OPERATORS = [verb.name for verb in VERBS if verb.name not in {"drill", "check", "approve"}]
NEWEST = playbook(budget_per_day=9)


def run(action: str, state: RunState, key: str = "") -> Run:
    return Run(1, 7, ROLLOUT, action, key, 0, state, "alice", "why", NOW, NOW, NOW)


def histories(state: AttemptState | None) -> list[History]:
    """An attempt in a state: in its first stage and its last, and with what may have failed in it."""
    if state is None:
        return [History()]
    attempt = replace(ATTEMPT, state=state)
    return [
        History(attempt),
        History(replace(attempt, stage="100%")),
        History(attempt, (run("start", RunState.failed, "10%"),)),
        History(attempt, (run("promote", RunState.failed, "50%"),)),
    ]


def after(decision: Decision, state: AttemptState | None) -> AttemptState | None:
    """The state that a decision leads to."""
    for change in decision.changes:
        if isinstance(change, Begin):
            state = AttemptState.active
        if isinstance(change, SetState):
            state = change.state
    return state


@pytest.mark.parametrize("verb", OPERATORS)
@pytest.mark.parametrize("state", STATES)
def test_what_people_ask_for_leads_where_the_table_says_and_is_refused_where_it_has_no_line(
    state: AttemptState | None, verb: str
) -> None:
    asked = Call(verb, "alice", "a reason", anyway=True)
    made = [decide_call(asked, NEWEST, history, Conditions(NOW)) for history in histories(state)]
    done = {after(one, state) for one in made if one.verdict != Verdict.refuse}
    assert done == leads_to(state, verb, "operator")


@pytest.mark.parametrize("state", STATES)
def test_alerts_lead_where_the_table_says(state: AttemptState | None) -> None:
    history = histories(state)[0]
    if state == AttemptState.rolled_back:
        history = replace(history, runs=(run("rollback", RunState.done),))
    acted = decide(signal(), NEWEST, history, Conditions(NOW))
    rollback = leads_to(state, "rollback", "alert")
    assert {after(acted, state)} == (rollback or {state})
    weaker = replace(history, runs=(run("rollback", RunState.done),))
    stronger = decide(signal("error-rate", "emergency"), NEWEST, weaker, Conditions(NOW))
    assert after(stronger, state) == (
        AttemptState.rolling_back if rollback or may(state, "stronger rollback", "alert") else state
    )


def test_no_line_of_the_table_is_there_twice() -> None:
    lines = [(state, one.event, who) for one in TABLE for state in one.states for who in one.who]
    assert len(lines) == len(set(lines))


def test_the_page_shows_the_table() -> None:
    assert as_markdown() in (ROOT / "docs/how-to/walk.md").read_text()
