"""Events in any order lead where the table of the state machine says, and docs/how-to/walk.md shows the table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from guarded import NOW, playbook, signal
from guarded.folded import decided, ended
from guarded.playbook import reducible
from handrail.contract import Confirmation, Playbook, StageFacts
from handrail_receiver.attempt_states.state_machine import (
    TABLE,
    TERMINAL,
    Who,
    as_markdown,
    event_of,
    leads_to,
    may,
)
from handrail_receiver.attempt_states.states import MEANS, State, state_of
from handrail_receiver.decide.decide import decide
from handrail_receiver.gates.gate import GateStatus
from handrail_receiver.gates.requirement import Requirement
from handrail_receiver.model import (
    HANDRAIL,
    OPEN,
    QUIET,
    SHARING,
    AttemptState,
    Conditions,
    Decision,
    History,
    RunState,
    Verdict,
)
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.call_decision import decide_call
from handrail_receiver.operations.drift import TargetStates, changed, unfinished
from handrail_receiver.operations.due import bake_over, due, moment, not_enough_data
from handrail_receiver.web.verbs import VERBS
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[3]
Event = tuple[str, Any, Any]
ASKS = Confirmation(after=30, expr="bad", unreachable="hold")
BOOK = reducible(
    playbook(
        tiers={"leaks/critical": {"confirmation": ASKS}, "error-rate/blind": {"resume_after": 1800}},
        budget_per_day=99,
        stages=(
            StageFacts(name="10%", weight=0.1, bake=600, warm_up=1800, advance="when-met", deadline=7200),
            StageFacts(name="50%", weight=0.5, bake=600, prolong=600, deadline=7200, at_deadline="rollback"),
            StageFacts(
                name="100%", weight=1.0, bake=600, advance="when-met", deadline=7200, at_deadline="page"
            ),
        ),
        watch_after=3600,
    )
)
NEWEST = BOOK.model_copy(update={"budget_per_day": 98})
STAGELESS = BOOK.model_copy(update={"stages": ()})
CALLS = tuple(verb.name for verb in VERBS if verb.name != "drill")
TIERS = (
    ("error-rate", "critical"),
    ("error-rate", "emergency"),
    ("error-rate", "blind"),
    ("leaks", "critical"),
)
ENDS = {
    RunState.waiting: (RunState.open, RunState.withdrawn),
    RunState.open: (RunState.done, RunState.failed, RunState.proving),
    RunState.proving: (RunState.proved, RunState.unproved),
}
DUE = {"warmed-up": "warmed up", "deadline": "deadline", "hold-over": "hold over", "watched": "watched"}
OUTCOME = {
    RunState.open: "confirmed",
    RunState.withdrawn: "withdrawn",
    RunState.proving: "not rolled back",
    RunState.failed: "not rolled back",
    RunState.unproved: "not rolled back",
}


@dataclass(frozen=True)
class Sent:
    """What was sent: the event as the table calls it, by whom, and the result (None: nothing is decided)."""

    event: str
    who: Who
    made: Decision | None
    after: History


calls = st.tuples(st.just("call"), st.sampled_from(CALLS), st.booleans())
alerts = st.tuples(st.just("alert"), st.sampled_from(TIERS), st.booleans())
outcomes = st.tuples(st.just("outcome"), st.integers(0, 2), st.integers(0, 2))
dues = st.tuples(st.just("due"), st.none(), st.none())
gates = st.tuples(st.just("gate"), st.booleans(), st.none())
looks = st.tuples(st.just("look"), st.booleans(), st.booleans())
lives = st.lists(st.one_of(calls, alerts, outcomes, looks, dues, gates), max_size=40)


def sent(what: Event, book_now: bool, history: History, at: Conditions) -> Sent | None:
    """One event, as the part of the receiver decides that gets it; None where there is nothing to decide."""
    book = BOOK if book_now else STAGELESS
    match what:
        case ("call", str(verb), bool(sure)):
            call = Call(verb, "alice", "a reason", anyway=sure)
            made = decide_call(call, NEWEST if book_now else book, history, at)
            return Sent(event_of(verb), call.who, made, decided(history, made, at.now))
        case ("alert", (str(guardrail), str(tier)), bool(firing)):
            made = decide(signal(guardrail, tier, firing=firing), book, history, at)
            return Sent(_asked(made, history), "alert", made, decided(history, made, at.now))
        case ("outcome", int(which), int(end)):
            return _outcome(which, end, history, at)
        case ("look", bool(differs), _):
            states = TargetStates(((book.actions[2].steps[0], "weight 10"),) if differs else ())
            decision, event = (
                (unfinished(book, history, states, at), "unfinished")
                if state_of(history) == State.rolling_back
                else (changed(book, history, states, at), "changed")
            )
            return (
                Sent(event, "receiver", decision, decided(history, decision, at.now))
                if decision.changes
                else None
            )
        case ("due", None, None):
            by_itself = due(book, history, at)
            if by_itself is None:
                return None
            event = DUE[by_itself.reason]
            return Sent(event, "receiver", by_itself, decided(history, by_itself, at.now))
        case ("gate", bool(is_open), None):
            return _gate(is_open, book, history, at)
    raise AssertionError(what)


def _gate(is_open: bool, book: Playbook, history: History, at: Conditions) -> Sent | None:
    """The walker has judged the gate: it is open, or there was nothing to judge it by."""
    then = moment(book, history, at)
    if then is None or not bake_over(then):
        return None
    if is_open:
        made = decide_call(Call("promote", HANDRAIL, "open", itself=True), book, history, at)
        return Sent("promote", "receiver", made, decided(history, made, at.now))
    unknown = Requirement("criterion", "errors", met=False, text="no data", known=False)
    lacks = not_enough_data(then, GateStatus("next", "", (unknown,)))
    return Sent("not enough data", "receiver", lacks, decided(history, lacks, at.now)) if lacks else None


def _asked(made: Decision, history: History) -> str:
    """What an alert was taken for."""
    if made.reason == "sees-again":
        return "sees again"
    if made.action in {"hold", "investigate"}:
        return made.action
    return "stronger rollback" if state_of(history) == State.rolled_back else "rollback"


def _outcome(which: int, end: int, history: History, at: Conditions) -> Sent | None:
    """A run that is open comes to its end."""
    going = [run for run in history.runs if run.state in OPEN]
    if not going:
        return None
    run = going[which % len(going)]
    becomes = ENDS[run.state][end % len(ENDS[run.state])]
    if run.action in SHARING:
        becomes = RunState.done if end else RunState.failed
        event = "entered" if end else "not entered"
    else:
        event = OUTCOME.get(becomes, "rolled back")
    return Sent(event, "receiver", None, ended(history, run, becomes, at.now))


def test_every_line_is_there_once_and_every_state_has_its_meaning() -> None:
    lines = Counter((state, one.event, who) for one in TABLE for state in one.states for who in one.who)
    assert [line for line, times in lines.items() if times > 1] == []
    assert list(MEANS) == list(State)
    assert {into for one in TABLE for into in one.into} | {State.none} == set(State)


def test_nothing_leads_out_of_a_terminal_state_but_a_new_attempt() -> None:
    out = {one.event for one in TABLE if TERMINAL & set(one.states) and one.into}
    assert out == {"start", "rollback"}


@given(life=lives, staged=st.booleans())
def test_events_in_any_order_lead_where_the_table_says_and_what_is_refused_changes_nothing(
    life: list[Event], staged: bool
) -> None:
    history, now = History(), NOW
    for what in life:
        now += timedelta(minutes=20)
        before, state = history, state_of(history)
        one = sent(what, staged, history, Conditions(now))
        if one is None:
            continue
        history, after = one.after, state_of(one.after)
        if one.made is not None and one.made.verdict == Verdict.refuse:
            assert (history, one.made.verdict in QUIET, bool(one.made.reason)) == (before, False, True)
            assert one.made.text
        elif may(state, one.event, one.who):
            assert after in leads_to(state, one.event, one.who), (state, one.event, after)
        else:
            assert one.who == "alert", (state, one.event)
            assert after == state
        if state in TERMINAL and history.attempt != before.attempt:
            assert before.attempt is not None
            assert history.attempt is not None
            assert history.attempt.number == before.attempt.number + 1


REACHED: dict[str, list[Event]] = {
    "start": [("call", "start", True)],
    "entered": [("outcome", 0, 1)],
    "promoted": [("call", "promote", True)],
    "reduced": [("call", "reduce", True)],
    "again": [("call", "retry", True)],
    "held": [("call", "hold", True)],
    "asked": [("alert", ("leaks", "critical"), True)],
    "back": [("call", "rollback", True)],
    "due": [("due", None, None)],
}


@pytest.mark.parametrize(
    ("way", "state"),
    [
        ((), State.none),
        (("start",), State.entering),
        (("start", "entered"), State.baking),
        (("start", "entered", "held"), State.held),
        (("start", "entered", "promoted"), State.promoting),
        (("start", "entered", "reduced"), State.promoting),
        (("start", "entered", "reduced", "entered"), State.held),
        (("start", "entered", "reduced", "entered", "again"), State.promoting),
        (("start", "entered", "reduced", "entered", "again", "entered"), State.baking),
        (("start", "entered", "reduced", "entered", "back"), State.rolling_back),
        (("start", "entered", "asked"), State.confirming),
        (("start", "entered", "back"), State.rolling_back),
        (("start", "entered", "back", "entered"), State.rolled_back),
        (("start", *("entered", "promoted") * 3), State.finishing),
        (("start", *("entered", "promoted") * 3, "due"), State.complete),
    ],
)
def test_a_life_goes_through_the_states_that_the_table_names(way: tuple[str, ...], state: State) -> None:
    history, now = History(), NOW
    for step in way:
        now += timedelta(hours=2)
        one = sent(
            REACHED[step][0] if step != "entered" else _worked(history), True, history, Conditions(now)
        )
        assert one is not None
        history = one.after
    assert state_of(history) == state


def _worked(history: History) -> Event:
    """Whatever is carried out gets through."""
    return (
        "outcome",
        0,
        1 if any(run.state in OPEN and run.action in SHARING for run in history.runs) else 0,
    )


@pytest.mark.parametrize("verb", CALLS)
@pytest.mark.parametrize("state", [State.none, State.complete, State.abandoned, State.rolled_back])
def test_what_the_table_does_not_have_is_refused_with_a_cure(state: State, verb: str) -> None:
    history = History()
    if state is not State.none:
        for step in ("start", "entered"):
            one = sent(REACHED[step][0], True, history, Conditions(NOW))
            assert one is not None
            history = one.after
        assert history.attempt is not None
        history = replace(history, attempt=replace(history.attempt, state=AttemptState(state)))
    if not may(state, event_of(verb), "operator") and verb != "approve":
        made = decide_call(Call(verb, "alice", "why", anyway=True), BOOK, history, Conditions(NOW))
        number = "no attempt was started" if state is State.none else f"attempt 1 is {state}"
        text = f"{number}; `handrail rollout start shop` begins one"
        assert (made.verdict, made.reason, made.text) == (Verdict.refuse, "no-attempt", text)


def test_the_page_shows_the_states_and_the_table() -> None:
    assert as_markdown() in (ROOT / "docs/how-to/walk.md").read_text()
