"""over-budget: what it finds, with line and words, and what it leaves alone."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.over_budget import NAME

BUDGET = 'budget=Budget(decide="1m", recover="5m")'


def tiers(*more: str) -> str:
    return guardrail(f"tiers=[Critical(Above('5%'), action='rollback', {', '.join(more)})]")


def test_a_tier_whose_sustained_leaves_no_time_to_recover_is_found() -> None:
    assert [what for _, what in found(NAME, BUDGET, "rollback=UNDO", tiers('sustained="5m"'))] == [
        (
            "error: 'errors' has rolled back after 6m10s at critical, and the budget is 5m; "
            "shorten sustained=, window= or the steps' timeout=, or allow more"
        )
    ]


def test_a_graver_tier_that_is_done_in_time_when_all_fails_keeps_the_budget() -> None:
    both = "tiers=[Critical(Above('5%'), sustained='5m', action='rollback'), Emergency(Above({limit}), action='rollback')]"
    stages = 'stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")]'
    rollout = (NAME, BUDGET, "rollback=UNDO", stages)
    assert found(*rollout, guardrail(both.format(limit="'50%'"))) == []
    in_one_stage = guardrail(both.format(limit="{'10%': '50%', '100%': None}"))
    assert [what for _, what in found(*rollout, in_one_stage)] == [
        (
            "error: 'errors' has rolled back after 6m10s at critical, and the budget is 5m; "
            "shorten sustained=, window= or the steps' timeout=, or allow more"
        )
    ]


def test_so_is_asking_again_for_too_long() -> None:
    facts = tiers('confirm=Confirm("30s")')
    assert [what for _, what in found(NAME, BUDGET, "rollback=UNDO", facts)] == [
        (
            "error: 'errors' decides about critical after 1m15s, and the budget is 1m; "
            "shorten scrape=, evaluate= or confirm=, or allow more"
        )
    ]


def test_a_budget_to_recover_includes_that_to_decide() -> None:
    budget = 'budget=Budget(decide="5m", recover="3m")'
    assert [what for _, what in found(NAME, budget, "rollback=UNDO", tiers('sustained="1m"'))] == [
        "error: the budget to recover, 3m, is shorter than that to decide, 5m; count both from the breach"
    ]


def test_in_time_or_without_a_budget_is_fine() -> None:
    assert found(NAME, BUDGET, "rollback=UNDO", tiers('sustained="2m"')) == []
    assert found(NAME, "rollback=UNDO", tiers('sustained="1h"')) == []


def test_a_tier_that_does_not_act_has_no_budget() -> None:
    assert found(NAME, BUDGET, guardrail('tiers=[Warning(Above("5%"), sustained="1h")]')) == []
