"""counter-as-gauge: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
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


@pytest.mark.parametrize(
    "expr",
    ["sum(x_total)", "max_over_time(x_total[5m])", "x_total / y_total", "avg_over_time(sum(x_total)[1h:])"],
)
def test_free_promql_that_reads_a_counter_raw_is_found(expr: str) -> None:
    said = [
        what for _, what in found(NAME, guardrail("tiers=[Warning(Above(100))]", measure=f'PromQL("{expr}")'))
    ]
    assert said[0] == (
        "warning: 'errors' reads the counter x_total without its rate; write rate() or increase() of it"
    )


@pytest.mark.parametrize(
    "expr",
    [
        "sum(rate(x_total[5m])) / sum(increase(y_total[5m]))",
        "count(x_total > 0)",
        "max(max_over_time(sum(rate(x_total[5m]))[1h:]))",
        "absent(x_total)",
        "time() - timestamp(x_total)",
        "resets(x_total[1h])",
    ],
)
def test_free_promql_that_counts_it_or_takes_its_rate_is_fine(expr: str) -> None:
    assert found(NAME, guardrail("tiers=[Warning(Above(100))]", measure=f'PromQL("{expr}")')) == []


def test_a_gauge_is() -> None:
    assert found(NAME, guardrail("tiers=[Warning(Above(100))]", measure='Gauge("sessions")')) == []
