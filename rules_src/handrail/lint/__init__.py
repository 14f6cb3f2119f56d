"""Declarations → problems: one lint per file, in the order a reader of a declaration meets them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from handrail.declare import Rollout
from handrail.errors import Problem
from handrail.lint import (
    limit_without_reference,
    limit_wrong_unit,
    rollback_without_target,
    same_name_twice,
    stage_holds,
    tier_order,
    unknown_stage,
)

Lint = Callable[[Rollout], Iterator[Problem]]

LINTS: tuple[Lint, ...] = (
    same_name_twice.check,
    stage_holds.check,
    unknown_stage.check,
    limit_without_reference.check,
    limit_wrong_unit.check,
    tier_order.check,
    rollback_without_target.check,
)


def lint(rollouts: Sequence[Rollout]) -> list[Problem]:
    """Everything there is to say about `rollouts`, by place."""
    return sorted(
        {problem for rollout in rollouts for check in LINTS for problem in check(rollout)}
        | set(same_name_twice.across(rollouts))
    )
