"""limit-without-reference: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.limit_without_reference import NAME


def test_a_rise_needs_something_to_rise_from() -> None:
    assert found(NAME, guardrail('tiers=[Warning(Rise("10%"))]')) == [
        (
            'tiers=[Warning(Rise("10%"))],',
            "fatal: 'errors' has the relative limit Rise and no reference; add against=BeforeRollout() or another one",
        )
    ]


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        (
            ["stages=STAGES", guardrail('against=StableArm(), tiers=[Warning(Rise("10%"))]')],
            "is compared with the stable arm and does not tell arms apart; add arms= to the rollout",
        ),
        (
            [guardrail('against=BeforeRollout(), tiers=[Warning(Rise("10%"))]')],
            "is compared with a figure captured along the stages, and there are none; add stages=",
        ),
        (
            [
                'stages=[Stage("all", weight="100%")]',
                guardrail('against=PreviousStage(), tiers=[Warning(Rise("10%"))]'),
            ],
            "is compared with the stage before, and there is only one; add a stage or use BeforeRollout()",
        ),
        (
            [
                "stages=STAGES",
                guardrail(
                    'tiers=[Warning(Above("5%"), or_=[On("x", Gauge("x"), Rise("10%"), against=BeforeRollout())])]'
                ),
            ],
            (
                "needs a captured figure of its own, and there is one for a guardrail; "
                "use Ago or Fixed here, or a guardrail of its own"
            ),
        ),
        (
            [
                "stages=STAGES",
                "arms=ARMS",
                guardrail('against=StableArm(), tiers=[Warning(Rise("10%"))]', measure='PromQL("x")'),
            ],
            (
                "is compared with the stable arm, and free PromQL is of no arm; "
                "use a typed measure, or compare within the expression"
            ),
        ),
        (
            [
                'stages=[Stage("dark", weight="0%", bake="1h"), Stage("all", weight="100%")]',
                "arms=ARMS",
                guardrail('against=PreviousStage("dark"), tiers=[Warning(Rise("10%"))]'),
            ],
            "is compared with stage 'dark', in which the canary has no traffic; name a stage in which it has some",
        ),
        (
            ["stages=STAGES", guardrail('against=PreviousStage("100%"), tiers=[Warning(Rise("10%"))]')],
            "is compared with stage '100%', and no stage comes after it; name an earlier stage",
        ),
    ],
)
def test_a_reference_that_cannot_be_had_is_refused(facts: list[str], what: str) -> None:
    assert [said for _, said in found(NAME, *facts)] == [f"fatal: 'errors' {what}"]


@pytest.mark.parametrize(
    "reference", ["BeforeRollout()", "StableArm()", "PreviousStage()", 'Ago("7d")', 'Fixed("1%")']
)
def test_a_reference_that_can_be_had_is_fine(reference: str) -> None:
    facts = guardrail(f'against={reference}, tiers=[Warning(Rise("10%"))]')
    assert found(NAME, "stages=STAGES", "arms=ARMS", facts) == []


@pytest.mark.parametrize("reference", ["BeforeRollout()", "PreviousStage()"])
def test_a_figure_is_captured_for_each_value_of_a_label(reference: str) -> None:
    facts = guardrail(f'against={reference}, tiers=[Warning(Rise("10%"))]', measure='Gauge("x", by=["pool"])')
    assert found(NAME, "stages=STAGES", facts) == []


def test_free_promql_with_several_series_has_no_one_figure_to_capture() -> None:
    tiers = 'against=BeforeRollout(), tiers=[Warning(Rise("50%"))]'
    several = guardrail(tiers, measure='PromQL("sum by (queue) (queue_length)")')
    what = "needs a captured figure for each of its series, and which these are is not known beforehand"
    assert [said for _, said in found(NAME, "stages=STAGES", several)] == [
        f"fatal: 'errors' {what}; use Ago or Fixed here, or a guardrail of its own"
    ]
    assert found(NAME, "stages=STAGES", guardrail(tiers, measure='PromQL("sum(queue_length)")')) == []
