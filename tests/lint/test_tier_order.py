"""tier-order: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.tier_order import NAME


def test_a_rollback_before_its_warning_is_a_contradiction() -> None:
    tiers = """
        tiers=[
            Warning(Above("5%")),
            Critical(Above("1%")),
        ]
    """
    assert found(NAME, guardrail(tiers)) == [
        (
            'Critical(Above("1%")),',
            (
                "error: 'errors' reaches critical before warning everywhere; "
                'correct the limits, or say order="tighten" on the guardrail'
            ),
        )
    ]


def test_a_stage_that_tightens_past_the_warning_is_named() -> None:
    tiers = 'tiers=[Warning(Above("0.5%")), Critical(Above({"10%": "1%", "50%": "0.5%", "100%": "0.1%"}))]'
    assert [what for _, what in found(NAME, "stages=STAGES", "arms=ARMS", guardrail(tiers))] == [
        (
            "error: 'errors' reaches critical before warning in stage '100%'; "
            'correct the limits, or say order="tighten" on the guardrail'
        )
    ]


def test_tightening_is_a_choice_that_can_be_stated() -> None:
    tiers = 'tiers=[Warning(Above("0.5%")), Critical(Above({"10%": "1%", "50%": "0.5%", "100%": "0.1%"}))]'
    assert found(NAME, "stages=STAGES", "arms=ARMS", guardrail(tiers, 'order="tighten"')) == []


@pytest.mark.parametrize(
    ("tiers", "where"),
    [
        ('Warning(Above("5%")), Critical(Above("1%"))', "everywhere"),
        (
            'Warning(Above("2%")), Critical(Above({"10%": "3%", "100%": "1%"}, otherwise="1%"))',
            "outside of the stages",
        ),
    ],
)
def test_tightening_is_no_way_around_where_no_stage_tightens(tiers: str, where: str) -> None:
    tightened = guardrail(f"tiers=[{tiers}]", 'order="tighten"')
    assert [what for _, what in found(NAME, "stages=STAGES", "arms=ARMS", tightened)] == [
        f"error: 'errors' reaches critical before warning {where}; correct the limits"
    ]


def test_the_graver_drop_is_the_larger_one() -> None:
    facts = guardrail('against=Ago("7d"), tiers=[Warning(DropPoints("2%")), Critical(DropPoints("1%"))]')
    assert len(found(NAME, facts)) == 1


def test_limits_beside_one_figure_are_compared_by_what_they_come_to() -> None:
    """50 % more than 300 ms is 450 ms; 600 ms more is 900 ms, 100 ms more is 400 ms."""
    fixed = 'against=Fixed("300ms"), tiers=[Warning(Rise("50%")), Critical({})]'
    assert found(NAME, guardrail(fixed.format('RisePoints("600ms")'), measure="TIME")) == []
    assert found(NAME, guardrail(fixed.format('Above("900ms")'), measure="TIME")) == []
    for lower in ('RisePoints("100ms")', 'Above("400ms")'):
        assert [said for _, said in found(NAME, guardrail(fixed.format(lower), measure="TIME"))] == [
            (
                "error: 'errors' reaches critical before warning everywhere; "
                'correct the limits, or say order="tighten" on the guardrail'
            )
        ]


@pytest.mark.parametrize(
    ("tiers", "what"),
    [
        (
            'Critical(Above("5%")), Warning(Above("1%"))',
            "lists warning after a more severe tier; write warning, critical, emergency in this order",
        ),
        (
            'Warning(Above("1%")), Warning(Above("2%"))',
            "has two warning tiers; remove one, or add its limit to the other with or_=",
        ),
        (
            'Warning(Above("5%")), Critical(Below("1%"))',
            "has a warning limit and a critical limit that point in opposite directions; use two guardrails",
        ),
        (
            'Warning(Below("1%")), Critical(Below("5%"))',
            (
                "reaches critical before warning everywhere; "
                'correct the limits, or say order="tighten" on the guardrail'
            ),
        ),
        (
            'Warning(Above("5%"), sustained="10m"), Critical(Above("5%"), sustained="5m")',
            (
                "reaches critical before warning everywhere; "
                'correct the limits, or say order="tighten" on the guardrail'
            ),
        ),
    ],
)
def test_tiers_that_contradict_each_other_are_found(tiers: str, what: str) -> None:
    assert [said for _, said in found(NAME, guardrail(f"tiers=[{tiers}]"))][:1] == [f"error: 'errors' {what}"]


@pytest.mark.parametrize(
    "tiers",
    [
        'Warning(Above("1%")), Critical(Above("5%")), Emergency(AtLeast("25%"))',
        'Warning(Below("99%")), Critical(Below("95%"))',
        'Warning(Drop("10%")), Critical(Drop("20%")), Emergency(Drop("50%"))',
        'Warning(Above("5%"), sustained="5m"), Critical(Above("5%"), sustained="10m")',
        'Warning(Rise("50%")), Critical(RisePoints("1%"))',
        'Warning(DropPoints("1%")), Critical(DropPoints("2%"))',
        'Warning(Above("5%")), Critical(Rise("2%"))',
    ],
)
def test_tiers_in_order_are_fine(tiers: str) -> None:
    assert found(NAME, guardrail(f'against=Ago("7d"), tiers=[{tiers}]')) == []
