"""condition-below-limit: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.condition_below_limit import NAME

SLEEPY = 'While(Rate("entries_total"), condition=Rate("changes_total"))'


@pytest.mark.parametrize(
    ("measure", "facts", "said"),
    [
        (
            SLEEPY,
            'tiers=[Critical(Below("0.01/s"))]',
            "warning: 'errors' is judged from 0/s on, and below 0.01/s it is too little; write above=\"0.01/s\" or more",
        ),
        (
            SLEEPY,
            'tiers=[Critical(Below("0.01/s"), action="rollback")]',
            "error: 'errors' is judged from 0/s on, and below 0.01/s it is too little; write above=\"0.01/s\" or more",
        ),
        (
            SLEEPY,
            'success=AtLeast("0.01/s")',
            "warning: 'errors' is judged from 0/s on, and below 0.01/s it is too little; write above=\"0.01/s\" or more",
        ),
        (
            'While(Increase("entries_total", window="5m"), condition=Rate("changes_total"), above="0.5/s")',
            "tiers=[Critical(AtMost(300))]",
            "warning: 'errors' is judged from 0.5/s on, and below 1/s it is too little; write above=\"1/s\" or more",
        ),
    ],
)
def test_one_change_with_its_entry_fires(measure: str, facts: str, said: str) -> None:
    assert [what for _, what in found(NAME, "rollback=UNDO", guardrail(facts, measure=measure))] == [said]


@pytest.mark.parametrize(
    ("measure", "facts"),
    [
        ('While(Rate("entries_total"), condition=Rate("changes_total"), above="1/min")', 'tiers=[Critical(Below("0.01/s"))]'),
        (SLEEPY, 'tiers=[Critical(Above("0.01/s"))]'),
        (SLEEPY, 'success=Below("0.01/s")'),
        (SLEEPY, "against=Ago('1h')", ),
        ('While(Rate("entries_total"), condition=Gauge("users"))', 'tiers=[Critical(Below("0.01/s"))]'),
        ('While(Rate("entries_total"), condition=Rate("changes_total"), at_most=0)', 'tiers=[Critical(Below("0.01/s"))]'),
        ('While(Increase("entries_total"), condition=Rate("changes_total"))', "tiers=[Critical(AtMost(0))]"),
        ('Rate("entries_total")', 'tiers=[Critical(Below("0.01/s"))]'),
    ],
)  # fmt: skip
def test_what_is_judged_where_it_is_enough_is_fine(measure: str, facts: str) -> None:
    assert found(NAME, "rollback=UNDO", guardrail(facts, measure=measure)) == []
