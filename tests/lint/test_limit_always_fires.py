"""limit-always-fires: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.limit_always_fires import NAME


def test_at_least_nothing_is_always_so() -> None:
    assert found(NAME, guardrail('tiers=[Warning(AtLeast("0%"))]')) == [
        (
            'tiers=[Warning(AtLeast("0%"))],',
            (
                "error: 'errors' has a limit that fires always: AtLeast(\"0%\") on Ratio; "
                "write a figure that a healthy service keeps"
            ),
        )
    ]


def test_a_criterion_that_no_value_meets_stops_every_rollout() -> None:
    assert found(NAME, guardrail('success=Below("0%")')) == [
        (
            'success=Below("0%"),',
            (
                "error: 'errors' has a limit that can never be met: Below(\"0%\") on Ratio; "
                "write a figure that a healthy service keeps"
            ),
        )
    ]


@pytest.mark.parametrize(
    "limit",
    ['Above("-1%")', 'Below("101%")', 'AtMost("100%")', 'Rise("-5%")', 'Drop("-5%")', 'RisePoints("-1%")'],
)
def test_a_limit_that_every_value_is_beyond_is_found(limit: str) -> None:
    assert len(found(NAME, guardrail(f'against=Ago("7d"), tiers=[Warning({limit})]'))) == 1


@pytest.mark.parametrize(
    "limit", ['Above("0%")', 'Below("100%")', 'AtMost("99%")', 'Rise("0%")', 'Drop("0%")']
)
def test_a_limit_that_a_value_can_keep_is_fine(limit: str) -> None:
    assert found(NAME, guardrail(f'against=Ago("7d"), tiers=[Warning({limit})]')) == []


@pytest.mark.parametrize("limit", ["Below(1)", "AtMost(0)", 'Below("50%")'])
def test_a_tier_does_not_ask_for_what_is_there_to_be_gone(limit: str) -> None:
    assert len(found(NAME, guardrail(f"tiers=[Warning({limit})]", measure='Absence("x")'))) == 1
    assert found(NAME, guardrail(f"success={limit}", measure='Absence("x")')) == []


@pytest.mark.parametrize("limit", ["Above(0)", "AtLeast(1)"])
def test_and_a_criterion_not_for_what_is_gone(limit: str) -> None:
    assert len(found(NAME, guardrail(f"success={limit}", measure='Absence("x")'))) == 1
    assert found(NAME, guardrail(f"tiers=[Warning({limit})]", measure='Absence("x")')) == []


def test_a_quantile_is_always_above_less_than_its_share_of_the_first_bucket() -> None:
    """Of the buckets from 100 ms on, a p95 is at least 95 ms, however fast all are."""
    for limit, count in (('Above("94ms")', 1), ('Above("95ms")', 0), ('AtLeast("95ms")', 1)):
        assert len(found(NAME, guardrail(f"tiers=[Warning({limit})]", measure="TIME"))) == count
