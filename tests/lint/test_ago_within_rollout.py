"""ago-within-rollout: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.ago_within_rollout import NAME

STAGES = "stages=STAGES"  # 10 % for 24h, 50 % for 4h, then all
RISE = 'RisePoints("1%")'


def compared(ago: str, limit: str = RISE, *more: str) -> str:
    return guardrail(f"against=Ago({ago!r})", f"tiers=[Warning({limit})]", *more)


def test_a_time_that_is_over_before_the_stages_are_is_found() -> None:
    what = "'errors' is compared with 27h ago, and stages that it judges last for 1d4h: by then that is the new version as well"
    cure = "write Ago of at least 1d4h or BeforeRollout(), or give the rollout arms with values"
    assert found(NAME, STAGES, compared("27h")) == [("against=Ago('27h'),", f"warning: {what}; {cure}")]


@pytest.mark.parametrize("arms", ['arms=Arms("version")', "arms=ARMS"])
def test_so_it_is_where_nobody_knows_which_arm_it_was(arms: str) -> None:
    assert len(found(NAME, STAGES, arms, compared("1h", RISE, "whole_service=True"))) == 1


@pytest.mark.parametrize(
    ("ago", "limit"),
    [
        ("28h", RISE),
        ("7d", RISE),
        ("25h", 'RisePoints({"10%": "1%"})'),
        ("1h", 'RisePoints({"100%": "1%"})'),
        ("1h", 'Above("1%")'),
    ],
    ids=["before it", "a week", "judged in the first stage", "only in the one that lasts", "not relative"],
)
def test_a_time_before_it_is_fine(ago: str, limit: str) -> None:
    assert found(NAME, STAGES, compared(ago, limit)) == []


def test_with_arms_it_is_the_stable_one() -> None:
    assert found(NAME, STAGES, "arms=ARMS", compared("1h")) == []
    assert found(NAME, compared("1h")) == []
