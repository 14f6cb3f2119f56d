"""A plan of several rollouts → the files that an emitter makes of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handrail.plan import Environment, Plan, Rollout


def of_each(emit: Callable[[Rollout, Environment], Mapping[str, str]], plan: Plan) -> dict[str, str]:
    """Path → text, of all rollouts of the plan."""
    return {path: text for rollout in plan.rollouts for path, text in emit(rollout, plan.environment).items()}
