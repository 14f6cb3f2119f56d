"""interval-too-short: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.interval_too_short import NAME

ONE = guardrail('tiers=[Warning(Above("5%"))]')


@pytest.mark.parametrize(
    ("intervals", "what"),
    [
        ('scrape="15s"', "faster=200 makes scrape=15s of rollout 'shop' 75ms; write faster=150 or less"),
        (
            'evaluate="5s"',
            "faster=200 makes evaluate=5s of rollout 'shop' 25ms; write faster=50 or less",
        ),
    ],
)
def test_an_environment_in_which_no_scrape_is_over_before_the_next_is_too_fast(
    intervals: str, what: str
) -> None:
    here = 'here = Environment("here", faster=200)'
    said = what.replace(";", ", within which no scrape is over;")
    assert found(NAME, intervals, ONE, environments=here) == [(here, f"fatal: {said}")]


def test_a_tenth_of_a_second_is_long_enough() -> None:
    here = 'here = Environment("here", faster=150)'
    assert found(NAME, 'scrape="15s"', 'evaluate="15s"', ONE, environments=here) == []
