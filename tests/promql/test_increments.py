"""The events since the last evaluation: what is counted is old enough that every rule sees the same scrapes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from handrail.plan import Selector
from handrail.promql.increments import increments

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("every", "scrape", "counted"),
    [
        (30 * SECOND, 15 * SECOND, "[30s:15s] offset 5s1ms"),
        (10 * SECOND, 30 * SECOND, "[10s:10s] offset 5s1ms"),
        (0.75 * SECOND, 0.375 * SECOND, "[750ms:375ms] offset 251ms"),
    ],
)
def test_a_scrape_counts_once_it_has_had_time_to_arrive_and_less_than_a_step_later(
    every: timedelta, scrape: timedelta, counted: str
) -> None:
    made = increments(Selector("errors_total"), every, scrape, Selector("zero"))
    assert [line.partition(")")[2] for line in made.splitlines() if "offset" in line and ":" in line] == [
        counted
    ]
