"""events-between-evaluations: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.events_between_evaluations import NAME

COUNT = 'Increase("attempts_total", window="1m")'
LONGER = 'Increase("attempts_total", window="90s")'


def test_a_count_over_no_more_than_an_evaluation_misses_events() -> None:
    assert found(NAME, 'evaluate="1m"', guardrail("tiers=[Warning(Above(0))]", measure=COUNT)) == [
        (
            f"{COUNT},",
            (
                "error: 'errors' looks back over 1m every 1m, and misses what falls between two looks; "
                "widen window= to 1m30s (evaluate= and two scrapes), or evaluate more often"
            ),
        )
    ]


def test_a_change_of_a_gauge_is_missed_likewise() -> None:
    changes = 'Changes("started", window="1m")'
    facts = guardrail("tiers=[Warning(Above(0))]", measure=changes)
    assert [line for line, _ in found(NAME, 'evaluate="1m"', facts)] == [f"{changes},"]


def test_a_change_of_state_is_missed_likewise() -> None:
    facts = guardrail('tiers=[Warning(Changed("1m"))]', measure='State("breaker")')
    assert [line for line, _ in found(NAME, 'evaluate="1m"', facts)] == ['tiers=[Warning(Changed("1m"))],']


def test_a_window_of_an_evaluation_and_two_scrapes_misses_nothing() -> None:
    assert found(NAME, 'evaluate="1m"', guardrail("tiers=[Warning(Above(0))]", measure=LONGER)) == []
    assert found(NAME, 'evaluate="30s"', guardrail("tiers=[Warning(Above(0))]", measure=COUNT)) == []
