"""Whatever people say and whatever happens: which approvals may count."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from guarded import NOW, ROLLOUT, playbook
from handrail.contract import Approval, Gate
from handrail_receiver.gates.approvals import GateAnswer, approve
from handrail_receiver.gates.gate import Approver, GateCase, GateInputs, judge, next_gate
from handrail_receiver.model import (
    Approved,
    Attempt,
    AttemptState,
    Capture,
    Checked,
    Conditions,
    Decision,
    History,
    Verdict,
)
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.call_decision import decide_call
from hypothesis import given
from hypothesis import strategies as st

PEOPLE = ("alice", "bob", "carol")
QUESTIONS = ("Is it quiet?", "Is it dark?")
PARTS = ("playbook", "history", "now")
TOKENS = tuple(Approver(f"token of {name}") for name in PEOPLE)
BOOKS = tuple(
    playbook(
        budget_per_day=budget,
        gates=(
            Gate(
                into="50%",
                manual=QUESTIONS,
                approvals=(Approval(role="lead", valid_for=3600, four_eyes=four_eyes),),
            ),
        ),
    )
    for budget in (3, 4)
    for four_eyes in (True, False)
)

people = st.sampled_from(PEOPLE)
moments = st.integers(0, 7200).map(lambda seconds: NOW + timedelta(seconds=seconds))
answers = st.builds(
    Checked,
    number=st.just(2),
    into=st.just("50%"),
    question=st.sampled_from(QUESTIONS),
    passed=st.booleans(),
    by=people,
    at=moments,
    note=st.sampled_from(["", "looked"]),
)
attempts = st.builds(
    Attempt,
    id=st.just(7),
    rollout=st.just(ROLLOUT),
    service=st.just(ROLLOUT),
    number=st.just(2),
    state=st.just(AttemptState.active),
    stage=st.just("10%"),
    stage_entered_at=st.just(NOW),
    started_at=st.just(NOW),
    started_by=people,
)
books = st.sampled_from(BOOKS)


@st.composite
def scenes(draw: st.DrawFn) -> GateCase:
    """A gate with answers as the store keeps them: the last one to each question."""
    said = {one.question: one for one in draw(st.lists(answers, max_size=4))}
    history = History(draw(attempts), checked=tuple(said.values()))
    at = next_gate(draw(books), history, GateInputs({}, frozenset(TOKENS)), draw(moments))
    assert at is not None
    return at


def approved(at: GateCase, by: str) -> Decision:
    """What comes of `by` approving at the gate."""
    known = Decision(Verdict.refuse, "", "", rollout=ROLLOUT, action="approve", by=by)
    return approve(known, GateAnswer(token=TOKENS[PEOPLE.index(by)]), "", at)


def kept(at: GateCase, made: Decision) -> GateCase:
    """The gate after a decision: what the store would keep of it."""
    given = tuple(change for change in made.changes if isinstance(change, Approved))
    return replace(at, history=replace(at.history, approved=given))


@given(at=scenes(), by=people)
def test_what_is_approved_counts_at_that_moment_for_everybody_else(at: GateCase, by: str) -> None:
    made = approved(at, by)
    after = kept(at, made)
    for promoter in PEOPLE:
        met = [ask.met for ask in judge(after, promoter).asks if ask.kind == "approval"]
        alone = at.gate.approvals[0].four_eyes and promoter == by
        assert met == [made.verdict == Verdict.note and not alone]


@given(at=scenes(), by=people)
def test_an_approval_is_taken_only_with_every_question_answered_yes(at: GateCase, by: str) -> None:
    yes = {said.question for said in at.history.checked if said.passed}
    if approved(at, by).verdict == Verdict.note:
        assert yes == set(QUESTIONS)


@given(at=scenes(), by=people, strange=scenes(), same=st.sets(st.sampled_from(PARTS)), promoter=people)
def test_an_approval_counts_for_nothing_but_what_it_was_given_for(
    at: GateCase, by: str, strange: GateCase, same: set[str], promoter: str
) -> None:
    made, other = approved(at, by), replace(strange, **{part: getattr(at, part) for part in same})
    elsewhere = kept(other, made)
    if any(ask.met for ask in judge(elsewhere, promoter).asks if ask.kind == "approval"):
        assert other.playbook == at.playbook
        assert set(other.history.checked) == set(at.history.checked)
        assert other.now < at.now + timedelta(seconds=3600)
        assert not other.gate.approvals[0].four_eyes or by not in {
            promoter,
            *(said.by for said in other.history.checked),
            other.history.attempt.started_by if other.history.attempt else "",
        }


@given(at=scenes(), by=people, promoter=people, anyway=st.booleans(), number=st.integers(1, 3))
def test_no_promotion_goes_past_an_approval(
    at: GateCase, by: str, promoter: str, anyway: bool, number: int
) -> None:
    after = kept(at, approved(at, by))
    history = replace(
        after.history, approved=tuple(replace(one, number=number) for one in after.history.approved)
    )
    asked = Call("promote", promoter, "why not", anyway, gate_inputs=at.inputs)
    made = decide_call(asked, at.playbook, history, Conditions(at.now))
    if any(isinstance(change, Capture) for change in made.changes):
        assert number == 2
        assert history.approved
        assert by != promoter or not at.gate.approvals[0].four_eyes
