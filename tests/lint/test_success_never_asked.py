"""success-never-asked: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.success_never_asked import NAME

ZERO = 'stages=[Stage("0%", weight="0%", bake="4h"), Stage("100%", weight="100%")]'
TWO = 'stages=[Stage("10%", weight="10%", bake="4h"), Stage("100%", weight="100%")]'
THREE = "stages=STAGES"
ARMS = "arms=ARMS"
WHAT = "'errors' has a success criterion that no gate asks for; give it a stage to judge, or remove it"


def said(stages: str, *facts: str) -> list[str]:
    return [what for _, what in found(NAME, *([stages] if stages else []), ARMS, guardrail(*facts))]


@pytest.mark.parametrize(
    ("stages", "facts"),
    [
        ("", ('success=Below("1%")',)),
        (ZERO, ('success=Below({"0%": "1%"})',)),
        (ZERO, ('success=RisePoints("1%")', "against=StableArm()")),
    ],
)
def test_a_criterion_that_no_gate_asks_for_guards_nothing(stages: str, facts: tuple[str, ...]) -> None:
    assert said(stages, *facts) == [f"error: {WHAT}"]


def test_beside_a_tier_it_guards_less_than_it_seems_to() -> None:
    assert said(ZERO, 'success=Below({"0%": "1%"})', 'tiers=[Warning(Above("5%"))]') == [f"warning: {WHAT}"]


@pytest.mark.parametrize(
    ("stages", "facts"),
    [
        (TWO, ('success=Below("1%")',)),
        ('stages=[Stage("100%")]', ('success=Below("1%")',)),
        (TWO, ('success=Below({"100%": "1%"})',)),
        (ZERO, ('success=Below("1%")',)),
        (TWO, ('success=RisePoints("1%")', "against=PreviousStage()")),
        (THREE, ('success=Below({"50%": "1%"})',)),
        (TWO, ('success=RisePoints("1%")', "against=StableArm()")),
        (THREE, ('success=RisePoints("1%")', "against=PreviousStage()")),
        (ZERO, ('success=Below("1%")', "whole_service=True")),
        (TWO, ('success=Below({"100%": "1%"})', 'mode="shadow"')),
        (TWO, ('tiers=[Warning(Above("5%"))]',)),
    ],
)
def test_one_that_some_gate_asks_for_is_fine(stages: str, facts: tuple[str, ...]) -> None:
    assert said(stages, *facts) == []
