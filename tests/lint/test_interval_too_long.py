"""interval-too-long: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.interval_too_long import NAME


def test_samples_that_are_forgotten_before_the_next_are_no_guard() -> None:
    assert found(NAME, 'scrape="3m"', 'evaluate="5m"', guardrail('tiers=[Warning(Above("5%"))]')) == [
        (
            'scrape="3m",',
            "error: scrape=3m leaves a gap when one scrape fails: Prometheus forgets a sample after 5m; write 2m or less",
        ),
        (
            'evaluate="5m",',
            "error: evaluate=5m leaves a gap when one evaluate fails: Prometheus forgets a sample after 5m; write 2m or less",
        ),
    ]


def test_two_minutes_are_short_enough() -> None:
    assert found(NAME, 'scrape="2m"', 'evaluate="2m"', guardrail('tiers=[Warning(Above("5%"))]')) == []
