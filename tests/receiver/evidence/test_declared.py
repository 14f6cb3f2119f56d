"""A playbook and the records of an attempt → what of the declared checks was made, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from handrail.contract import CheckFacts, StageFacts
from handrail_receiver.evidence.declared import StageVisit, declared_lines, not_made, visits
from handrail_receiver.views.schemas import RecordView

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


def test_a_burst_that_was_interrupted_is_named() -> None:
    burst = record(
        2,
        6,
        "burst",
        stage="5%",
        burst="T+5",
        scheduled="7/1/burst/5%/300/T+5",
        late=False,
        method="GET",
        url="https://relay.example/query",
        users=5,
        requests=100,
        begun_at="2026-03-01T03:05:00Z",
        ended_at="2026-03-01T03:06:00Z",
        ended="interrupted",
        why="the receiver was stopped; it is not repeated",
        sent=40,
        answered=40,
        well=40,
        failed=0,
        errors={},
        seconds=None,
        log="digest",
        ok=False,
        text="interrupted",
    )
    assert missing(ENTERED, burst) == [
        "load burst T+5 of stage 5%: interrupted: the receiver was stopped; it is not repeated"
    ]
