"""A playbook and the records of an attempt → what of the declared checks was made, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from guarded import load_burst
from handrail.contract import CheckFacts, StageFacts
from handrail_receiver.evidence.burst import BURST_BEGINS, BURST_WAITS
from handrail_receiver.evidence.declared import StageVisit, declared_lines, not_made, visits
from handrail_receiver.view_models.schemas import RecordView

from .kept import NOW, book

RELAY = book(
    stages=(StageFacts(name="5%", weight=0.05, bake=3600), StageFacts(name="100%", weight=1, bake=None)),
    checks=(
        CheckFacts(at=900, name="T+15", stage="5%"),
        CheckFacts(at=1800, name="T+30", stage="5%", questions=("Is it quiet?",)),
        CheckFacts(at=3600, name="T+60", stage="5%"),
    ),
)


def record(number: int, minutes: float, kind: str, **body: Any) -> RecordView:
    at = NOW + timedelta(minutes=minutes)
    text = json.dumps({"attempt": 7, **body})
    return RecordView(number=number, at=at, kind=kind, body=text, previous="", hash="")


def outcome(number: int, minutes: float, action: str, stage: str) -> RecordView:
    return record(number, minutes, "outcome", action=action, key=stage, outcome="done")


def check(number: int, minutes: float, name: str, **more: Any) -> RecordView:
    said = {"of": [], "by": "handrail", "text": "all is well", "snapshot": "s", "ok": True, "check": name}
    return record(number, minutes, "check", scheduled=f"7/1/{name}", stage="5%", **{**said, **more})


def decision(number: int, minutes: float, **body: Any) -> RecordView:
    return record(number, minutes, "decision", **{"verdict": "act", **body})


ENTERED = outcome(1, 0, "start", "5%")
ANSWER = decision(4, 31, verdict="note", action="check", check={"question": "T+30: Is it quiet?"})


def missing(*records: RecordView) -> list[str]:
    return list(not_made(RELAY, records, 7))


def test_a_stage_lasts_until_the_next_is_entered_or_the_attempt_goes_forward_no_more() -> None:
    def lasted(records: Sequence[RecordView]) -> list[tuple[str, float]]:
        return [(one.stage, (one.end - one.start) / timedelta(minutes=1)) for one in visits(records, 7)]

    assert lasted([ENTERED, outcome(2, 61, "promote", "100%"), record(3, 90, "check")]) == [
        ("5%", 61),
        ("100%", 29),
    ]
    assert lasted(
        [
            ENTERED,
            decision(2, 20, action="rollback"),
            record(3, 90, "outcome", action="rollback", key="", outcome="proved"),
        ]
    ) == [("5%", 20)]
    [back] = visits([ENTERED, decision(2, 20, action="rollback")], 7)
    assert back.turned_back
    assert lasted([ENTERED, decision(2, 20, action="promote", gate={"into": "complete"})]) == [("5%", 20)]
    assert visits([outcome(1, 0, "start", "5%")], 7) == [StageVisit("5%", NOW, NOW)]


def test_what_was_made_whole_lacks_nothing() -> None:
    made = (check(2, 15, "T+15"), check(3, 30, "T+30"), ANSWER, check(5, 60, "T+60"))
    assert missing(ENTERED, *made, outcome(6, 61, "promote", "100%")) == []


def test_what_was_never_made_or_answered_is_named() -> None:
    records = (ENTERED, check(2, 16, "T+15", late=True), outcome(3, 61, "promote", "100%"))
    assert missing(*records) == [
        "check T+30 of stage 5%: it was never made",
        "check T+60 of stage 5%: it was never made",
        "question 'T+30: Is it quiet?' of stage 5%: nobody answered it",
    ]
    lines = [(one.label, one.record, one.late) for one in declared_lines(RELAY, records, 7)]
    assert lines == [("T+15", 2, True), ("T+30", None, False), ("T+60", None, False)]


def test_after_a_rollback_nothing_more_is_owed() -> None:
    assert missing(ENTERED, check(2, 15, "T+15"), decision(3, 20, action="rollback")) == []


def test_a_check_due_as_its_stage_is_left_is_owed_too_once_there_was_time_for_it() -> None:
    left = (ENTERED, check(2, 15, "T+15"), check(3, 30, "T+30"), ANSWER, outcome(5, 60, "promote", "100%"))
    assert missing(*left) == []
    assert missing(*left, decision(6, 61, action="hold")) == ["check T+60 of stage 5%: it was never made"]


def test_a_record_of_before_is_known_by_its_key() -> None:
    plain = book(stages=RELAY.stages, checks=(900,))
    old = record(2, 15, "check", of=[], by="handrail", text="well", snapshot="s", scheduled="7/1/900")
    assert list(not_made(plain, [ENTERED, old, record(3, 60, "check")], 7)) == []


def burst(number: int, minutes: float, ended: str, why: str) -> RecordView:
    begun = (NOW + timedelta(minutes=5)).isoformat()
    return record(
        number,
        minutes,
        "burst",
        stage="5%",
        burst="T+5",
        scheduled="7/1/burst/5%/300/T+5",
        late=False,
        method="GET",
        url="https://relay.example/query",
        users=5,
        requests=100,
        begun_at=begun,
        ended_at=begun,
        ended=ended,
        why=why,
        sent=40,
        answered=40,
        well=40,
        failed=0,
        errors={},
        seconds=None,
        log="digest",
        ok=False,
        text=ended,
    )


def of_burst(number: int, minutes: float, reason: str) -> RecordView:
    said = {"stage": "5%", "label": "T+5"}
    return decision(number, minutes, verdict="note", action="load-burst", reason=reason, burst=said)


BURSTS = RELAY.model_copy(update={"checks": (), "bursts": (load_burst(at=300, name="T+5", stage="5%"),)})
BEGINS, WAITS = of_burst(2, 5, BURST_BEGINS), of_burst(2, 5, BURST_WAITS)
BACK, ON = decision(4, 7, action="rollback"), outcome(4, 7, "promote", "100%")
OVER = "its attempt does not go forward any more"
STOPPED, INTERRUPTED = burst(3, 6, "stopped", OVER), burst(3, 6, "interrupted", "a restart")
FIRES = burst(3, 6, "stopped", "error-rate/warning fires")
NEVER = "load burst T+5 of stage 5%: it was never made"


@pytest.mark.parametrize(
    ("records", "named"),
    [
        ((BEGINS, STOPPED, BACK), []),
        ((BEGINS, BACK, STOPPED), []),
        ((BEGINS, FIRES, BACK), []),
        ((BEGINS, FIRES, ON), ["load burst T+5 of stage 5%: stopped: error-rate/warning fires"]),
        ((BEGINS, FIRES), ["load burst T+5 of stage 5%: stopped: error-rate/warning fires"]),
        ((BEGINS, INTERRUPTED, BACK), ["load burst T+5 of stage 5%: interrupted: a restart"]),
        ((BEGINS, BACK), ["load burst T+5 of stage 5%: it began, and nothing says how it ended"]),
        ((WAITS, BACK), []),
        ((WAITS, ON), [NEVER]),
        ((BACK,), [NEVER]),
    ],
    ids=[
        "stopped by the rollback",
        "recorded after it",
        "stopped by an alert before it",
        "stopped, and the attempt went on",
        "stopped, and it may go on",
        "cut off by a restart",
        "not ended yet",
        "something spoke against it until the rollback",
        "something spoke against it until the next stage",
        "nobody knows why not",
    ],
)
def test_a_rollback_may_cut_a_burst_off_and_nothing_else_may(
    records: Sequence[RecordView], named: Sequence[str]
) -> None:
    assert list(not_made(BURSTS, [ENTERED, *records], 7)) == named


def test_a_rollback_soon_after_a_question_is_asked_leaves_it_unanswered() -> None:
    made = (check(2, 15, "T+15"), check(3, 30, "T+30"))
    assert missing(ENTERED, *made, decision(4, 30.9, action="rollback")) == []
    assert missing(ENTERED, *made, decision(4, 31.1, action="rollback")) == [
        "question 'T+30: Is it quiet?' of stage 5%: nobody answered it"
    ]
