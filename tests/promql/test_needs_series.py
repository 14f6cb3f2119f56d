"""A PromQL text → whether it has a result only while series of the service exist."""

from __future__ import annotations

import pytest
from handrail.promql.needs_series import needs_series


@pytest.mark.parametrize(
    "text",
    [
        "queue_length",
        "sum by (pool) (rate(errors_total[5m])) > bool 3",
        "-max_over_time(queue_length[5m:1m])",
        "in_use / 100",
        "in_use / on (pool) group_left () size",
        "vector(1) * in_use",
        "in_use and vector(1)",
        "in_use unless vector(1)",
        "in_use or size",
        "in_use + fill(0) size",
        "label_replace(clamp(in_use, 0, 1), 'a', 'b', '', '')",
        "hour(timestamp(in_use))",
    ],
)
def test_without_series_of_the_service_there_is_no_result(text: str) -> None:
    assert needs_series(text)


@pytest.mark.parametrize(
    "text",
    [
        "3",
        "time() - 5",
        "hour()",
        "vector(1) unless in_use",
        "in_use or vector(0)",
        "in_use + fill(0) vector(1)",
        "in_use + fill_right(0) handrail:guardrail:value",
        "absent(in_use)",
        "count(absent_over_time(in_use[5m]))",
        "scalar(in_use) + 1",
    ],
)
def test_an_expression_may_have_a_result_of_itself(text: str) -> None:
    assert not needs_series(text)


@pytest.mark.parametrize(
    "text",
    [
        'max_over_time(handrail:guardrail:value{guardrail="errors"}[24h])',
        "count(ALERTS)",
        "sum(handrail_rollout_stage)",
        '{job="shop"}',
        '{__name__=~"queue_.*"}',
    ],
)
def test_what_rules_or_the_receiver_write_and_series_of_any_name_are_none_of_the_service(text: str) -> None:
    assert not needs_series(text)
