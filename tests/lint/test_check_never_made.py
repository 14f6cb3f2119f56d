"""check-never-made: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.check_never_made import NAME

TIERS = guardrail('tiers=[Warning(Above("1%"))]')
LAST = 'Stage("100%", weight="100%")'


def words(first: str, *more: str, last: str = LAST) -> list[str]:
    stages = f'stages=[Stage("10%", weight="10%", bake="1h"{first}), {last}]'
    return [said for _, said in found(NAME, stages, *more, TIERS)]


@pytest.mark.parametrize("check", ['"2h"', 'Check("2h")'])
def test_a_check_after_its_stage_is_never_made(check: str) -> None:
    assert words(f", checks=[{check}]") == [
        (
            "error: check 'T+2h' of stage '10%' comes after 2h, and the stage may be left after 1h; "
            "give it an earlier moment, or lengthen bake="
        )
    ]


def test_the_end_of_the_bake_time_its_warm_up_and_what_prolongs_it_are_within_the_stage() -> None:
    assert words(', checks=["1h"]') == []
    assert words(', warm_up="30m", prolong="30m", checks=["2h"]') == []
    assert words("", last='Stage("100%", weight="100%", checks=["48h"])') == []


def test_a_load_burst_after_its_stage_is_never_made() -> None:
    late = 'LoadBurst("2h", "https://shop.example.com/", requests=1, name="rush")'
    here = 'Environment("production", services={"shop": "https://shop.example.com"})'
    stages = f'stages=[Stage("10%", weight="10%", bake="1h", bursts=[{late}]), {LAST}]'
    assert [said for _, said in found(NAME, stages, TIERS, environments=f"here = {here}")] == [
        (
            "error: load burst 'rush' of stage '10%' comes after 2h, and the stage may be left after 1h; "
            "give it an earlier moment, or lengthen bake="
        )
    ]


def test_a_check_of_every_stage_may_be_too_late_for_some_and_not_for_all() -> None:
    assert words("", 'checks=["2h"]') == []
    short = 'Stage("100%", weight="100%", bake="30m")'
    assert words("", 'checks=["2h"]', last=short) == [
        (
            "error: check 'T+2h' comes after 2h, and no stage lasts longer than 1h; "
            "give it an earlier moment, or leave it out"
        )
    ]


def test_two_of_one_name_in_one_stage_are_refused() -> None:
    twice = "fatal: stage '10%' has two of check 'T+15m'; leave one out, or give it a name of its own"
    assert words(', checks=["15m", Check("15m")]') == [twice]
    assert words(', checks=["15m"]', 'checks=["15m"]') == [twice]
    assert words(', checks=["15m", Check("15m", name="quarter")]') == []


def test_a_gate_cannot_ask_for_checks_that_nobody_declared() -> None:
    asking = 'Stage("100%", weight="100%", gate=Gate(checks="made"))'
    assert words("", last=asking) == [
        (
            "error: a gate asks for the checks of stage '10%', which has none; "
            "declare checks= for the stage, or leave it out"
        )
    ]
    assert words(', checks=["15m"]', last=asking) == []
    assert words(', gate=Gate(checks="ok")') == [
        "error: the gate into the first stage asks for checks, and none is made before it; leave checks= out"
    ]
