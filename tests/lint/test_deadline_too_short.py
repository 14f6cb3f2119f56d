"""deadline-too-short: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.deadline_too_short import NAME

TIERS = guardrail('tiers=[Warning(Above("1%"))]')


def stages(first: str) -> str:
    return f'stages=[Stage("10%", weight="10%", bake="1h", {first}), Stage("100%", weight="100%")]'


def words(first: str) -> list[str]:
    return [said for _, said in found(NAME, stages(first), TIERS)]


@pytest.mark.parametrize("first", ['deadline="1h"', 'warm_up="1h", deadline="2h"'])
def test_a_deadline_before_the_bake_time_is_over_holds_every_rollout(first: str) -> None:
    after = "1h" if "warm_up" not in first else "2h"
    assert words(first) == [
        (
            f"error: stage '10%' has its deadline after {after}, before its bake time is over; "
            "lengthen deadline=, or shorten bake= or warm_up="
        )
    ]


def test_a_stage_that_may_be_prolonged_past_its_deadline_is_told() -> None:
    assert words('prolong="1h", deadline="2h"') == [
        "warning: stage '10%' may be prolonged past its deadline of 2h; lengthen deadline= or shorten prolong="
    ]


@pytest.mark.parametrize("ahead", ['Stage("100%", weight="100%", gate=REST)]', "], complete=REST"])
def test_a_deadline_before_the_rest_that_the_gate_ahead_asks_for_holds_every_rollout(ahead: str) -> None:
    first = 'stages=[Stage("10%", weight="10%", bake="1h", deadline="2h"), '
    stages = (first + ahead).replace("REST", 'Gate(stable_for="3h")')
    assert [said for _, said in found(NAME, stages, TIERS)] == [
        "error: stage '10%' has its deadline after 2h, before 3h without an alert are over; lengthen deadline=, or shorten stable_for="
    ]
    assert found(NAME, stages.replace("3h", "90m"), TIERS) == []


def test_a_rollback_at_the_deadline_needs_steps() -> None:
    rolled = 'deadline="2h", at_deadline="rollback"'
    assert words(rolled) == [
        (
            "error: stage '10%' is rolled back at its deadline, and the rollout has no step for that; "
            "add split= or rollback= to the rollout"
        )
    ]
    split = 'split=HAProxySplit("web", sockets=["unix:/run/haproxy.sock"])'
    assert found(NAME, stages(rolled), split, TIERS) == []


def test_time_enough_is_fine() -> None:
    assert words('warm_up="5m", prolong="30m", deadline="2h"') == []
    assert words('advance="when-met"') == []
