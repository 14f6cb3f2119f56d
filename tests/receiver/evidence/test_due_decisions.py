"""Which decisions a snapshot is still to be taken for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from handrail_receiver.evidence.snapshot_taker import DueDecisions, due
from handrail_receiver.model import EvidenceRecord

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def record(number: int, kind: str, **body: object) -> EvidenceRecord:
    return EvidenceRecord(number, NOW + timedelta(seconds=number), "shop", kind, json.dumps(body), "", "")


def decision(number: int, attempt: int = 1, guardrail: str = "", into: str = "") -> EvidenceRecord:
    gate = {"gate": {"into": into}} if into else {}
    return record(number, "decision", attempt=attempt, guardrail=guardrail, **gate)


def snapshot(number: int, *of: int) -> EvidenceRecord:
    return record(number, "snapshot", attempt=1, of=list(of))


def test_all_decisions_of_an_attempt_share_one_and_a_persons_is_about_all_guardrails() -> None:
    made = due([decision(1), decision(4, guardrail="error-rate"), decision(5, into="50%")])
    assert made == [
        DueDecisions(
            attempt=1,
            numbers=(1, 4, 5),
            guardrails=frozenset(),
            gates={"50%": NOW + timedelta(seconds=5)},
            oldest=NOW + timedelta(seconds=1),
            newest=NOW + timedelta(seconds=5),
        )
    ]


def test_a_gate_is_looked_at_as_it_was_when_it_was_decided_at_and_not_at_the_rollback_a_moment_later() -> (
    None
):
    (made,) = due([decision(1, into="50%"), decision(2, into="50%"), decision(5, guardrail="error-rate")])
    assert (made.gates, made.newest) == ({"50%": NOW + timedelta(seconds=2)}, NOW + timedelta(seconds=5))


def test_a_decision_about_a_gate_is_about_all_guardrails() -> None:
    (made,) = due([decision(1, guardrail="error-rate"), decision(2, guardrail="gate")])
    assert made.guardrails == frozenset()


def test_a_decision_made_while_prometheus_was_asked_for_the_one_before_is_due_still() -> None:
    records = [decision(1), snapshot(2, 1), decision(6), decision(7), snapshot(8, 6)]
    assert [one.numbers for one in due(records)] == [(7,)]
    assert due([*records, snapshot(9, 7)]) == []


def test_the_last_decision_of_an_attempt_is_due_although_the_next_one_has_begun() -> None:
    made = due([decision(1), snapshot(2, 1), decision(3), decision(4, attempt=2)])
    assert [(one.attempt, one.numbers) for one in made] == [(1, (3,)), (2, (4,))]


def test_what_was_before_the_first_snapshot_and_what_is_of_no_attempt_is_not_asked_for() -> None:
    assert due([decision(1), decision(2), snapshot(3, 2), decision(4, attempt=0)]) == []


def test_a_gate_that_counts_a_stage_says_since_when_and_is_asked_so_again() -> None:
    since = NOW - timedelta(hours=25)
    gate = {"into": "50%", "since": since.isoformat()}
    (made,) = due([record(1, "decision", attempt=1, guardrail="gate", gate=gate)])
    assert (made.gates, made.baked) == ({"50%": NOW + timedelta(seconds=1)}, {"50%": since})
