"""A first stage whose steps failed is entered again under the same conditions as the first time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from guarded import NOW, ROLLOUT, playbook
from handrail.contract import Approval, Gate
from handrail_receiver.gates.gate import Approver, GateInputs, next_gate
from handrail_receiver.model import Approved, Attempt, AttemptState, Conditions, History, Run, RunState
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.call_decision import decide_call

LEAD = Approval(role="lead", valid_for=600, four_eyes=False)
BOOK = playbook(waits_for=("db",), gates=(Gate(into="10%", approvals=(LEAD,)),))
HELD = "start failed: no answer"
ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW, NOW, "alice", held=HELD)
FAILED = Run(1, 7, ROLLOUT, "start", "10%", 0, RunState.failed, "alice", "x", NOW, NOW, NOW, text="no answer")
GIVEN = GateInputs(approvers=frozenset({Approver("t")}), others={"db": "complete"})
UNTIL = NOW + timedelta(seconds=600)


def before_the_start() -> History:
    """What was approved while the attempt before was over: its first stage was not entered."""
    before = History(replace(ATTEMPT, number=1, state=AttemptState.complete, held=""))
    gate = next_gate(BOOK, before, GIVEN, NOW)
    assert gate is not None
    approved = Approved(2, "10%", "lead", "bob", NOW, UNTIL, gate.digest, "t")
    return History(ATTEMPT, (FAILED,), approved=(approved,))


def retried(
    history: History, found: GateInputs = GIVEN, at: datetime = NOW, why: str = ""
) -> tuple[str, str, str]:
    call = Call("retry", "alice", why, anyway=bool(why), gate_inputs=found)
    made = decide_call(call, BOOK, history, Conditions(at))
    return made.verdict.value, made.reason, made.text


def test_an_approval_of_before_the_start_counts_until_it_ends() -> None:
    approved = before_the_start()
    assert retried(approved) == ("act", "tried-again", "attempt 2: entering 10% once more")
    refused = retried(approved, at=UNTIL)
    assert refused[:2] == ("refuse", "not-ready")
    assert refused[2].startswith("bob's approval as 'lead' does not count: it expired ")


def test_without_an_approval_it_is_not_entered_whatever_a_person_says() -> None:
    none = replace(before_the_start(), approved=())
    assert retried(none)[2].startswith("nobody has approved as 'lead' (`handrail rollout approve shop")
    assert retried(none, why="I want it")[:2] == ("refuse", "not-approved")


def test_those_it_waits_for_are_asked_again_and_an_override_keeps_its_reason() -> None:
    approved, back = before_the_start(), replace(GIVEN, others={"db": "rolled-back"})
    objection = (
        "db is rolled-back, and this rollout begins once it is complete (`handrail rollout status db`)"
    )
    assert retried(approved, back) == (
        "refuse",
        "not-ready",
        f"{objection}; wait or fix it, or say --anyway and --why",
    )
    assert retried(approved, back, why="db is fixed by hand") == (
        "act",
        "tried-again",
        f"attempt 2: entering 10% once more, although {objection} (says alice: db is fixed by hand)",
    )
