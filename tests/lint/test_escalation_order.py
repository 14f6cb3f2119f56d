"""escalation-order: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.escalation_order import NAME

TIERS = guardrail('tiers=[Warning(Above("1%"))]')


def test_levels_follow_each_other_in_time() -> None:
    escalation = """
        escalation=[
            Level("manager", "15m", "the manager"),
            Level("director", "5m", "the director"),
        ]
    """
    assert found(NAME, escalation, TIERS) == [
        (
            'Level("director", "5m", "the director"),',
            (
                "error: level 'director' comes after 5m, and 'manager' before it after 15m; "
                "list the levels from the first to the last"
            ),
        )
    ]


def test_levels_in_order_are_fine() -> None:
    assert found(NAME, 'escalation=[Level("a", "5m", "a"), Level("b", "15m", "b")]', TIERS) == []
