"""What a gate asks of the stage that is left: probes, declared checks and load bursts, and the questions of checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from guarded import NOW, ROLLOUT, load_burst, playbook
from handrail.contract import CheckFacts, Gate, GateChecks, ProbeFacts, Question, StageFacts
from handrail_receiver.gates.approvals import GateAnswer, check
from handrail_receiver.gates.gate import GateCase, GateInputs, judge, next_gate
from handrail_receiver.gates.requirement import Requirement
from handrail_receiver.model import Attempt, AttemptState, Decision, History, Verdict
from handrail_receiver.outside.probes import ProbeAnswer, ProbeVerdict

HOUR = timedelta(hours=1)
HEALTH = ProbeFacts(
    name="health",
    url="https://shop.example/health",
    expect=200,
    values={},
    within=5,
    token_header="Authorization",
    token_scheme="Bearer",
)
BURST = load_burst(at=300)
TOPIC = "T+15: Is the queue short?"
CHECKS = (
    CheckFacts(at=900, name="T+15", stage="10%", questions=("Is the queue short?",)),
    CheckFacts(at=3600),
    CheckFacts(at=36000),
    CheckFacts(at=60, name="of another stage", stage="50%"),
)
ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW - HOUR, NOW - HOUR, "alice")
ENTRY = f"7/{(NOW - HOUR).timestamp():.0f}"
MADE = {f"{ENTRY}/900/T+15": True, f"{ENTRY}/3600": True, f"{ENTRY}/burst/10%/300/rush": True}


def gate(after: timedelta = timedelta(), asked: GateChecks | None = None, **found: Any) -> GateCase:
    book = playbook(
        stages=(StageFacts(name="10%", weight=0.1, bake=3600), StageFacts(name="50%", weight=0.5, bake=None)),
        gates=(Gate(into="50%", checks=asked, checklist=(Question(text=TOPIC, at=900),)),),
        checks=CHECKS,
        bursts=(BURST,),
        probes=(HEALTH,),
    )
    at = next_gate(book, History(ATTEMPT), GateInputs(**found), NOW + after)
    assert at is not None
    return at


def ask(kind: str, at: GateCase) -> Requirement:
    (found,) = [one for one in judge(at).asks if one.kind == kind]
    return found


@pytest.mark.parametrize(
    ("verdict", "met", "text"),
    [
        ("ok", True, "probe health: answered 200"),
        ("failed", False, "probe health: failed: answered 200"),
        ("unknown", False, "probe health: unknown: answered 200"),
    ],
)
def test_a_probe_is_met_where_it_is_answered_as_it_should_be(
    verdict: ProbeVerdict,
    met: bool,
    text: str,
) -> None:
    answer = ProbeAnswer("health", verdict, "answered 200", 0.1)
    said = ask("probe", gate(probes={"health": answer}))
    assert said == Requirement("probe", "probe health", met, text, known=verdict != "unknown")


def test_a_probe_that_was_not_asked_is_unknown_and_in_the_bake_time_not_asked_yet() -> None:
    unknown = ask("probe", gate())
    assert (unknown.met, unknown.known) == (False, False)
    assert ask("probe", gate(-HOUR / 2)).text == "probe health: judged after the bake time"


def made(asked: GateChecks, found: Mapping[str, bool | None]) -> tuple[bool, str]:
    said = ask("checks", gate(asked=asked, made=found))
    return said.met, said.text


def test_each_check_and_burst_of_the_stage_within_its_time_must_have_been_made() -> None:
    name = "all 3 checks of stage 10% made"
    assert made("made", MADE) == (True, name)
    assert made("made", dict.fromkeys(MADE, False)) == (True, name)
    assert made("made", {f"{ENTRY}/3600": True}) == (False, f"{name}: not made yet: load burst rush, T+15")
    of_before = {key.replace(ENTRY, "7/1"): True for key in MADE}
    assert made("made", of_before)[0] is False


def test_or_also_have_been_well_and_what_nobody_can_say_is_not_well() -> None:
    name = "all 3 checks of stage 10% made and well"
    assert made("ok", MADE) == (True, name)
    assert made("ok", {**MADE, f"{ENTRY}/3600": False}) == (False, f"{name}: not well: T+1h")
    assert made("ok", {**MADE, f"{ENTRY}/900/T+15": None}) == (False, f"{name}: not well: T+15")


def test_without_the_word_a_gate_asks_for_no_checks() -> None:
    assert [one.kind for one in judge(gate()).asks] == ["probe", "check"]


def answer(at: GateCase) -> Decision:
    return check(Decision(Verdict.refuse, "", "", by="bob"), GateAnswer("1"), "looked", at)


def test_a_question_of_a_check_is_asked_from_its_moment_on() -> None:
    early = gate(-HOUR + timedelta(minutes=14))
    assert ask("check", early).text == "not yet: from 2026-03-01 02:15:00 UTC on"
    assert ask("check", early).cure == ""
    refused = answer(early)
    assert (refused.verdict, refused.reason) == (Verdict.refuse, "not-yet")
    due = gate(-HOUR + timedelta(minutes=15))
    assert ask("check", due).cure == "handrail rollout check shop --item 1"
    assert answer(due).text == f"bob says yes to {TOPIC!r}, of the gate into 50%: looked"


def test_an_answer_long_after_its_moment_says_that_it_is_late() -> None:
    late = answer(gate())
    assert late.text == (
        f"bob says yes to {TOPIC!r}, of the gate into 50%, late: it was due 2026-03-01 02:15:00 UTC: looked"
    )
    assert late.known["check"] == {
        "into": "50%",
        "question": TOPIC,
        "passed": True,
        "note": "looked",
        "late": True,
    }


def test_its_answer_is_what_an_approval_covers() -> None:
    at = gate()
    said = answer(at).changes[0]
    answered = replace(at, history=replace(at.history, checked=(said,)))  # type: ignore[arg-type]
    assert ask("check", answered).met
    assert answered.digest != gate().digest
