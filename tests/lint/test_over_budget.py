"""over-budget: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.over_budget import NAME

BUDGET = 'budget=Budget(decide="1m", recover="5m")'


def tiers(*more: str) -> str:
    return guardrail(f"tiers=[Critical(Above('5%'), action='rollback', {', '.join(more)})]")


CURE = "shorten sustained=, window= or the steps' timeout=, or allow more"


def test_a_tier_that_takes_too_long_to_decide_and_to_recover_is_found_for_both() -> None:
    assert [what for _, what in found(NAME, BUDGET, "rollback=UNDO", tiers('sustained="5m"'))] == [
        (
            "error: 'errors' decides about critical after 6m, and the budget is 1m; "
            "shorten window=, sustained=, scrape=, evaluate= or confirm=, or allow more"
        ),
        f"error: 'errors' has rolled back after 6m10s at critical, and the budget is 5m; {CURE}",
    ]


def test_a_value_just_over_its_limit_that_takes_too_long_is_a_warning() -> None:
    assert [what for _, what in found(NAME, BUDGET, "rollback=UNDO", tiers())] == [
        (
            "warning: 'errors' has rolled back after 5m55s at critical when the value is just over its limit, "
            f"and the budget is 5m; {CURE}"
        )
    ]


QUICK = 'Ratio(bad="bad_total", of="all_total", window=\'2m\')'


def test_a_graver_tier_that_is_done_in_time_keeps_the_budget() -> None:
    both = "tiers=[Critical(Above('5%'), sustained='5m', action='rollback'), Emergency(Above({limit}), action='rollback')]"
    stages = 'stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")]'
    rollout = (NAME, 'budget=Budget(decide="2m", recover="5m")', "rollback=UNDO", stages)
    assert found(*rollout, guardrail(both.format(limit="'50%'"), measure=QUICK)) == []
    in_one_stage = guardrail(both.format(limit="{'10%': '50%', '100%': None}"), measure=QUICK)
    assert [what for _, what in found(*rollout, in_one_stage)] == [
        (
            "error: 'errors' decides about critical after 5m51s, and the budget is 2m; "
            "shorten window=, sustained=, scrape=, evaluate= or confirm=, or allow more"
        ),
        f"error: 'errors' has rolled back after 6m1s at critical, and the budget is 5m; {CURE}",
    ]


SLOW = 'Guardrail("slow", {measure}, tiers=[Critical(Above("{limit}"), sustained="5m", action="rollback")], runbook=RUNBOOK)'
FAST = 'Guardrail("fast", {measure}, tiers=[Critical(Above("{limit}"), action="rollback"{confirm})], runbook=RUNBOOK)'


def pair(slow: str, limit: str, fast: str, own: str = "5%", confirm: str = "") -> str:
    one, other = SLOW.format(measure=slow, limit=limit), FAST.format(measure=fast, limit=own, confirm=confirm)
    return f"guardrails=[{one}, {other}]"


def named(*facts: str) -> list[str]:
    """The guardrails that are found."""
    return [what.split("'")[1] for _, what in found(NAME, BUDGET, "rollback=UNDO", *facts)]


def test_a_short_window_beside_a_long_one_keeps_the_budget_for_what_both_measure() -> None:
    ratio = 'Ratio(bad="bad_total", of="all_total", window="{}", min_events={})'
    assert named(pair(ratio.format("5m", 100), "2%", ratio.format("2m", 300))) == []
    other = 'Ratio(bad="others_total", of="all_total", window="2m")'
    assert named(pair(ratio.format("5m", 100), "2%", other)) == ["slow", "slow"]
    asks = ', confirm=Confirm("30s")'
    assert named(pair(ratio.format("5m", 100), "2%", ratio.format("2m", 300), confirm=asks)) == ["fast"]


def test_a_share_slower_than_a_bound_is_the_percentile_above_it() -> None:
    quantile = 'Latency("seconds", p=95, buckets=[1, 2, 5])'
    slower = 'SlowerThan("seconds", "2s", window="2m", buckets=[1, 2, 5])'
    assert named(pair(quantile, "2s", slower, "5%")) == []
    assert named(pair(quantile, "2s", slower, "2%")) == ["slow", "slow"]


def test_a_guardrail_that_only_watches_keeps_no_budget_and_breaks_none() -> None:
    watched = guardrail("tiers=[Critical(Above('5%'), sustained='1h', action='rollback')]", "mode='shadow'")
    assert found(NAME, BUDGET, "rollback=UNDO", watched) == []


def test_a_budget_to_recover_includes_that_to_decide() -> None:
    budget = 'budget=Budget(decide="15m", recover="13m")'
    assert [what for _, what in found(NAME, budget, "rollback=UNDO", tiers('sustained="1m"'))] == [
        "error: the budget to recover, 13m, is shorter than that to decide, 15m; count both from the breach"
    ]


def test_in_time_or_without_a_budget_is_fine() -> None:
    budget = 'budget=Budget(decide="3m", recover="8m")'
    assert found(NAME, budget, "rollback=UNDO", tiers('sustained="2m"')) == []
    assert found(NAME, "rollback=UNDO", tiers('sustained="1h"')) == []


def test_a_tier_that_does_not_act_has_no_budget() -> None:
    assert found(NAME, BUDGET, guardrail('tiers=[Warning(Above("5%"), sustained="1h")]')) == []
