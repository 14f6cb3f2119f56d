"""events-between-evaluations: what it finds, with line and words, and what it leaves alone."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.events_between_evaluations import NAME

COUNT = 'Increase("attempts_total", window="1m")'


def test_a_count_over_less_than_an_evaluation_misses_events() -> None:
    assert found(NAME, 'evaluate="2m"', guardrail("tiers=[Warning(Above(0))]", measure=COUNT)) == [
        (
            f"{COUNT},",
            (
                "error: 'errors' looks back over 1m every 2m, and misses what is between; "
                "widen window= or evaluate more often"
            ),
        )
    ]


def test_a_change_of_state_is_missed_likewise() -> None:
    facts = guardrail('tiers=[Warning(Changed("1m"))]', measure='State("breaker")')
    assert [line for line, _ in found(NAME, 'evaluate="2m"', facts)] == ['tiers=[Warning(Changed("1m"))],']


def test_a_window_as_long_as_the_evaluation_misses_nothing() -> None:
    assert found(NAME, 'evaluate="1m"', guardrail("tiers=[Warning(Above(0))]", measure=COUNT)) == []
