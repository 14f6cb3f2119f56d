"""limit-without-reference: a relative limit has nothing to be relative to, or a reference that cannot be had."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import BeforeRollout, Gauge, Growth, On, PreviousStage, Rollout, StableArm, State, Usage
from handrail.declare.limits import Changed, Is, Limit, Reference
from handrail.declare.measures import Measure
from handrail.errors import Problem
from handrail.lint.limits import RELATIVE, uses
from handrail.lint.problem import problem

NAME = "limit-without-reference"


def check(rollout: Rollout) -> Iterator[Problem]:
    """Every limit of every guardrail."""
    for guardrail in rollout.guardrails:
        for at, measure, limit, against in uses(guardrail):
            found = _wrong(rollout, at, measure, limit, against)
            if found is not None:
                yield problem(NAME, at, f"guardrail '{guardrail.name}': {found[0]}", found[1])


def _wrong(
    rollout: Rollout, at: object, measure: Measure, limit: Limit, against: Reference | None
) -> tuple[str, str] | None:
    name = type(limit).__name__
    if isinstance(limit, Is | Changed) != isinstance(measure, State):
        return (
            f"{name} does not fit {type(measure).__name__}",
            "Is and Changed judge a State, the others a number",
        )
    if not isinstance(limit, RELATIVE):
        return None
    if against is None:
        return f"{name} is relative and has no reference", "add against=BeforeRollout() or another reference"
    if isinstance(against, StableArm) and rollout.arms is None:
        return "the reference is the stable arm and the rollout has no arms", "add arms= to the rollout"
    if isinstance(against, BeforeRollout | PreviousStage) and not rollout.stages:
        return "the reference is captured along the stages and the rollout has none", "add stages="
    if isinstance(against, BeforeRollout | PreviousStage) and (isinstance(at, On) or _several(measure)):
        return (
            "one figure is captured for a guardrail, not one for each of its series",
            "use Ago or Fixed here",
        )
    return None


def _several(measure: Measure) -> bool:
    return isinstance(measure, Gauge | Usage | Growth) and bool(measure.by)
