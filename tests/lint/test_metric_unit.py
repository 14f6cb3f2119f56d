"""metric-unit: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.metric_unit import NAME

MS = "request_duration_milliseconds"


@pytest.mark.parametrize(
    ("measure", "limit", "said"),
    [
        (
            f'Increase("{MS}", slower_than="1s", buckets=[1, 1000])',
            "Above(0)",
            f'reads {MS} in seconds, and its name says milliseconds; write unit="ms"',
        ),
        (
            'SlowerThan("time_ms", "1s", buckets=[1, 1000])',
            'Above("5%")',
            'reads time_ms in seconds, and its name says milliseconds; write unit="ms"',
        ),
        (
            'Latency("time_seconds", p=95, unit="ms", buckets=[100, 1000])',
            'Above("500ms")',
            'reads time_seconds in milliseconds, and its name says seconds; write unit="s"',
        ),
        (
            'Latency("time_us", p=95, buckets=[0.1, 1])',
            'Above("500ms")',
            "reads time_us in seconds, and its name says microseconds; record it in seconds or bytes and read that",
        ),
        (
            'Gauge("lag_ms", unit="seconds")',
            'Above("500ms")',
            'reads lag_ms in seconds, and its name says milliseconds; write unit="milliseconds"',
        ),
        (
            'Age("seen_timestamp_ms")',
            'Above("26h")',
            'reads seen_timestamp_ms in seconds, and its name says milliseconds; write unit="ms"',
        ),
        (
            'Forecast("free_bytes", unit="ratio")',
            'Below("5%")',
            'reads free_bytes in ratio, and its name says bytes; write unit="bytes"',
        ),
        (
            'Gauge("busy_percent", unit="ratio")',
            'Above("50%")',
            'reads busy_percent in ratio, and its name says percent; write unit="percent"',
        ),
    ],
)
def test_a_name_that_says_another_unit_is_found(measure: str, limit: str, said: str) -> None:
    facts = guardrail(f"tiers=[Warning({limit})]", measure=measure)
    assert [what for _, what in found(NAME, facts)] == [f"error: 'errors' {said}"]


def test_a_panel_s_metric_is_looked_at_too() -> None:
    page = f'dashboards=[Dashboard("main", panels=[Panel("Slow", Latency("{MS}", p=95))])]'
    assert len(found(NAME, guardrail('tiers=[Warning(Above("5%"))]'), page)) == 1


@pytest.mark.parametrize(
    ("measure", "limit"),
    [
        (f'Increase("{MS}", slower_than="1s", unit="ms", buckets=[1000])', "Above(0)"),
        ('Increase("waits_ms")', "Above(0)"),
        ('Latency("time_seconds", p=95, buckets=[0.5])', 'Above("500ms")'),
        ('Latency("time", p=95, unit="ms", buckets=[500])', 'Above("500ms")'),
        ('Gauge("lag_ms")', "Above(500)"),
        ('Gauge("items")', "Above(500)"),
    ],
)
def test_a_name_that_says_the_same_or_nothing_is_fine(measure: str, limit: str) -> None:
    assert found(NAME, guardrail(f"tiers=[Warning({limit})]", measure=measure)) == []
