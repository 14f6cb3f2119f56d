"""counter-as-gauge: what it finds, with line and words, and what it leaves alone."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.counter_as_gauge import NAME


def test_a_counter_is_no_gauge() -> None:
    assert found(NAME, guardrail("tiers=[Warning(Above(100))]", measure='Gauge("errors_total")')) == [
        (
            'Gauge("errors_total"),',
            (
                "warning: 'errors' reads the counter errors_total as a gauge; "
                "use Rate or Increase, or give the gauge a name without _total"
            ),
        )
    ]


def test_a_straight_line_through_a_counter_is_no_forecast() -> None:
    assert [
        what
        for _, what in found(NAME, guardrail("tiers=[Warning(Above(100))]", measure='Forecast("x_total")'))
    ] == [
        "warning: 'errors' reads the counter x_total as a gauge; use Rate or Increase, or give the gauge a name without _total"
    ]


def test_a_gauge_is() -> None:
    assert found(NAME, guardrail("tiers=[Warning(Above(100))]", measure='Gauge("sessions")')) == []
