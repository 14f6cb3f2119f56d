"""unequal-arms: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.unequal_arms import NAME

RATE = 'Rate("requests_total")'
DROPPED = 'tiers=[Critical(Drop("20%"))]'


@pytest.mark.parametrize("reference", ["StableArm()", "BeforeRollout()", "PreviousStage()", 'Ago("7d")'])
def test_a_canarys_number_of_requests_is_not_comparable(reference: str) -> None:
    facts = guardrail(f"against={reference}, {DROPPED}", measure=RATE)
    assert found(NAME, "stages=STAGES", "arms=ARMS", facts) == [
        (
            f"against={reference}, {DROPPED},",
            (
                "error: 'errors' compares a number of events by Drop, and the canary has its own share of them; "
                "compare a Ratio or a Latency, or state whole_service=True on the guardrail"
            ),
        )
    ]


@pytest.mark.parametrize(
    ("measure", "facts"),
    [
        (RATE, f'against=Ago("7d"), whole_service=True, {DROPPED}'),
        (RATE, 'tiers=[Critical(Above("20/s"))]'),
        (RATE, f'against=Fixed("100/s"), {DROPPED}'),
        ("ERRORS", f"against=StableArm(), {DROPPED}"),
    ],
)
def test_shares_fixed_figures_and_the_whole_service_are(measure: str, facts: str) -> None:
    assert found(NAME, "stages=STAGES", "arms=ARMS", guardrail(facts, measure=measure)) == []


def test_a_canary_with_fewer_instances_has_fewer_series_and_not_fewer_versions() -> None:
    facts = guardrail(f"against=StableArm(), {DROPPED}", measure='Count("up", where="== 1")')
    assert [said for _, said in found(NAME, "stages=STAGES", "arms=ARMS", facts)] == [
        (
            "error: 'errors' compares a number of series by Drop, and the canary has its own share of them; "
            "compare a Ratio or a Latency, or state whole_service=True on the guardrail"
        )
    ]
    versions = guardrail(f"against=StableArm(), {DROPPED}", measure='Count("info", distinct="schema")')
    assert found(NAME, "stages=STAGES", "arms=ARMS", versions) == []
