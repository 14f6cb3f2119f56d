"""one-event-enough: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.one_event_enough import NAME

FEW = 'Ratio(bad="errors_total", of="requests_total", min_events=10)'


def test_one_failure_of_few_requests_rolls_back() -> None:
    tiers = 'tiers=[Critical(Above("5%"), sustained="1m", action="rollback")]'
    assert found(NAME, "rollback=UNDO", guardrail(tiers, measure=FEW)) == [
        (
            tiers + ",",
            (
                "warning: 'errors' rolls back for one bad event among as few as 10; "
                "write min_events=180, which is 10 bad ones at least, or sustained= as long as the window of 5m"
            ),
        )
    ]


def test_two_failures_of_a_hundred_requests_roll_back() -> None:
    tiers = 'tiers=[Critical(Above("1%"), action="rollback")]'
    assert found(NAME, "rollback=UNDO", guardrail(tiers)) == [
        (
            tiers + ",",
            (
                "warning: 'errors' rolls back for 2 bad events among as few as 100; "
                "write min_events=900, which is 10 bad ones at least, or sustained= as long as the window of 5m"
            ),
        )
    ]


@pytest.mark.parametrize(
    ("tiers", "measure"),
    [
        ('Critical(Above("20%"), sustained="1m", action="rollback")', FEW),
        ('Critical(Above("5%"), sustained="5m", action="rollback")', FEW),
        ('Critical(Above("5%"), sustained="1m", action="hold")', FEW),
        ('Critical(Above("0%"), sustained="1m", action="rollback")', FEW),
        ('Critical(Above("5%"), sustained="1m", action="rollback")', "ERRORS"),
        (
            'Critical(Below("95%"), action="rollback")',
            'Ratio(good="ok_total", of="all_total", min_events=10)',
        ),
        ('Critical(Above(0), action="rollback")', 'Increase("errors_total")'),
    ],
)
def test_what_takes_more_than_one_is_fine(tiers: str, measure: str) -> None:
    assert found(NAME, "rollback=UNDO", guardrail(f"tiers=[{tiers}]", measure=measure)) == []
