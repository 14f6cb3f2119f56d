"""timestamp-as-gauge: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.timestamp_as_gauge import NAME


@pytest.mark.parametrize(
    "measure",
    [
        'Gauge("job_last_success_timestamp_seconds", unit="seconds")',
        'While(Gauge("process_start_time_seconds", unit="seconds"), condition=Rate("work_total"))',
        'Gauge("job_timestamp", unit="seconds")',
    ],
)
def test_the_time_since_1970_is_no_amount_of_time(measure: str) -> None:
    [said] = [what for _, what in found(NAME, guardrail('tiers=[Warning(Above("26h"))]', measure=measure))]
    metric = measure.split('"')[1]
    assert said == (
        f"error: 'errors' reads the timestamp {metric} as a gauge, which is the time since 1970; "
        "use Age or TimeUntil, or Changes for how often it changed"
    )


@pytest.mark.parametrize(
    "measure",
    [
        'Age("job_last_success_timestamp_seconds")',
        'Changes("process_start_time_seconds")',
        'Gauge("response_time_seconds", unit="seconds")',
    ],
)
def test_what_knows_that_it_is_one_and_what_is_none_are_left_alone(measure: str) -> None:
    limit = "Above(3)" if measure.startswith("Changes") else 'Above("26h")'
    assert found(NAME, guardrail(f"tiers=[Warning({limit})]", measure=measure)) == []
