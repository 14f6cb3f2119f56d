"""Deadlines for acknowledging an incident: when one passes, the people declared for it are told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from guarded import NOW, ROLLOUT, playbook
from handrail.contract import Acknowledge, Tell, Webhook
from handrail_receiver.model import Acknowledged, Closed, Conditions, Incident, IncidentEvent, Note, Verdict
from handrail_receiver.operations.unacknowledged import overdue

LEAD, DIRECTOR = (Tell(Webhook(f"https://example.com/{who}")) for who in ("lead", "director"))
BOOK = playbook(
    acknowledge=(
        Acknowledge(within=300, who="the on-call engineer", tell=(LEAD,)),
        Acknowledge(within=900, who="the lead", tell=(DIRECTOR,)),
    )
)
ONE = Incident("shop-7", ROLLOUT, 7, 2, NOW, NOW, "rollback", "errors are critical", "alert")


def after(minutes: float) -> Conditions:
    return Conditions(NOW + timedelta(minutes=minutes))


def test_each_deadline_that_passes_is_told_to_the_next_and_recorded_once() -> None:
    assert overdue(ONE, BOOK, after(4.9)) is None
    made = overdue(ONE, BOOK, after(5))
    assert made is not None
    assert (made.verdict, made.reason, made.attempt, made.tell) == (
        Verdict.tell,
        "not-acknowledged",
        7,
        (LEAD,),
    )
    assert made.text == (
        "shop-7 should have been acknowledged by the on-call engineer within 5 min, and nobody has; `handrail rollout ack shop`"
    )
    assert made.changes == (Note(7, IncidentEvent.late, "the on-call engineer", {"within": 300.0}),)
    late = replace(ONE, late=(300.0,))
    assert overdue(late, BOOK, after(14)) is None
    second = overdue(late, BOOK, after(15))
    assert second is not None
    assert second.tell == (DIRECTOR,)


def test_what_passed_while_nobody_looked_is_told_together() -> None:
    made = overdue(ONE, BOOK, after(60))
    assert made is not None
    assert made.tell == (LEAD, DIRECTOR)
    assert [change.said for change in made.changes if isinstance(change, Note)] == [
        {"within": 300.0},
        {"within": 900.0},
    ]


@pytest.mark.parametrize(
    "over",
    [
        replace(ONE, acknowledged=Acknowledged(NOW, "bob", timedelta())),
        replace(ONE, closed=Closed(NOW, "bob", "over")),
        replace(ONE, asked=NOW + timedelta(minutes=59)),
    ],
)
def test_an_acknowledgement_ends_it_and_what_is_graver_begins_it_anew(over: Incident) -> None:
    assert overdue(over, BOOK, after(60)) is None


def test_without_a_declared_deadline_nobody_is_late() -> None:
    assert overdue(ONE, playbook(), after(600)) is None
