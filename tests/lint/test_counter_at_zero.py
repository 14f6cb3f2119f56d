"""counter-at-zero: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.counter_at_zero import NAME


def test_a_counter_that_must_not_rise_should_be_there_first() -> None:
    assert found(NAME, guardrail("tiers=[Warning(Above(0))]", measure='Increase("leaks_total")')) == [
        (
            'Increase("leaks_total"),',
            (
                "info: 'errors' counts leaks_total, which must exist before its first event; "
                "initialise it at 0 when the program starts"
            ),
        )
    ]


def test_a_histogram_s_slow_observations_come_with_its_others() -> None:
    measure = 'Increase("write_seconds", slower_than="5s", buckets=[5])'
    assert found(NAME, guardrail("tiers=[Warning(Above(0))]", measure=measure)) == []
