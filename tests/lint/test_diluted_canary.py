"""diluted-canary: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.diluted_canary import NAME


def test_a_limit_says_what_a_canary_alone_must_reach() -> None:
    assert found(NAME, "stages=STAGES", guardrail('tiers=[Warning(Above("5%"))]')) == [
        (
            "Guardrail(",
            (
                "warning: 'errors' judges the whole service, "
                "and in stage '10%' a canary alone must reach 50 % for it to fire; "
                "add arms= to the rollout, or state whole_service=True on the guardrail"
            ),
        )
    ]


@pytest.mark.parametrize(
    ("measure", "limit", "seen"),
    [
        ("ERRORS", 'Above("15%")', "a canary that fails throughout stays under the limit"),
        ('Latency("x", p=90)', 'Above("1s")', "its p90 cannot show a canary that is slow throughout"),
        ("TIME", 'Above("500ms")', "a canary is 10 % of that"),
    ],
)
def test_what_cannot_be_seen_is_said(measure: str, limit: str, seen: str) -> None:
    facts = guardrail(f"tiers=[Warning({limit})]", measure=measure)
    assert [seen in what for _, what in found(NAME, "stages=STAGES", facts)] == [True]


@pytest.mark.parametrize(
    "facts",
    [
        ["stages=STAGES", "arms=ARMS", guardrail('tiers=[Warning(Above("5%"))]')],
        ["stages=STAGES", guardrail('whole_service=True, tiers=[Warning(Above("5%"))]')],
        ["stages=STAGES", guardrail("tiers=[Warning(Above(0))]", measure='Increase("errors_total")')],
        ['stages=[Stage("all", weight="100%")]', guardrail('tiers=[Warning(Above("5%"))]')],
    ],
)
def test_arms_a_stated_choice_a_count_and_a_full_share_are_fine(facts: list[str]) -> None:
    assert found(NAME, *facts) == []
