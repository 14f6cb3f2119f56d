"""histogram-suffix: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.histogram_suffix import NAME


def test_a_histogram_is_named_without_the_suffix_of_a_series() -> None:
    measure = 'Latency("request_seconds_bucket", p=95)'
    assert found(NAME, guardrail('tiers=[Warning(Above("1s"))]', measure=measure)) == [
        (
            f"{measure},",
            "fatal: 'errors' names the histogram request_seconds_bucket by one of its series; write request_seconds",
        )
    ]


@pytest.mark.parametrize(
    ("measure", "limit"),
    [
        ('SlowerThan("x_count", "1s")', 'Above("5%")'),
        ('Increase("x_sum", slower_than="1s")', "Above(0)"),
    ],
)
def test_wherever_a_histogram_goes(measure: str, limit: str) -> None:
    assert len(found(NAME, guardrail(f"tiers=[Warning({limit})]", measure=measure))) == 1


def test_also_as_a_further_reason_of_a_tier() -> None:
    other = 'On("late", Latency("x_bucket", p=99), Above("1s"))'
    assert len(found(NAME, guardrail(f'tiers=[Warning(Above("5%"), or_=[{other}])]'))) == 1


def test_the_count_of_a_histogram_is_a_counter_like_any_other() -> None:
    facts = guardrail('tiers=[Warning(Above("1/s"))]', measure='Rate("request_seconds_count")')
    assert (
        found(NAME, facts) == found(NAME, guardrail('tiers=[Warning(Above("250ms"))]', measure="TIME")) == []
    )
