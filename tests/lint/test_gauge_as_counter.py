"""gauge-as-counter: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.gauge_as_counter import NAME

TIERS = "tiers=[Warning(Above(100))]"
CURE = "use Gauge, or Growth for how it moves; in PromQL write it without rate()"


def test_what_the_log_s_source_exports_as_a_gauge_is_no_counter() -> None:
    logs = 'logs=[LogSource(gauges=[LogGauge("queue", r"queue=(?P<value>[0-9]+)")])]'
    assert found(NAME, guardrail(TIERS, measure='Increase("queue")'), logs) == [
        (
            'Increase("queue"),',
            f"error: 'errors' reads queue as a counter, which its source exports as a gauge; {CURE}",
        )
    ]


def test_what_is_a_gauge_by_its_name_is_no_counter_in_free_promql_either() -> None:
    page = """
        dashboards=[
            Dashboard("main", panels=[
                Panel(
                    "Memory",
                    PromQL("sum(rate(process_resident_memory_bytes[5m]))", unit="bytes"),
                )
            ])
        ]
    """
    assert found(NAME, guardrail(TIERS, measure='Increase("errors_total")'), page) == [
        (
            'PromQL("sum(rate(process_resident_memory_bytes[5m]))", unit="bytes"),',
            f"warning: 'Memory' reads process_resident_memory_bytes as a counter, which is a gauge by its name; {CURE}",
        )
    ]


def test_what_a_guardrail_reads_as_a_gauge_a_panel_reads_as_one() -> None:
    page = 'dashboards=[Dashboard("main", panels=[Panel("Sessions", Rate("sessions"))])]'
    assert [said for _, said in found(NAME, guardrail(TIERS, measure='Gauge("sessions")'), page)] == [
        f"warning: 'Sessions' reads sessions as a counter, which 'errors' reads as a gauge; {CURE}"
    ]


@pytest.mark.parametrize(
    "measure",
    [
        'Increase("sessions")',
        'Growth("queue_ratio")',
        'PromQL("delta(queue_ratio[1h])")',
        'PromQL("changes(queue_ratio[1h])")',
        'PromQL("increase(errors_total[1h])")',
    ],
)
def test_other_readings_are_fine(measure: str) -> None:
    assert found(NAME, guardrail(TIERS, measure=measure)) == []
