"""limit-without-reference: a relative limit has no reference, or one that does not exist here."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import BeforeRollout, On, PreviousStage, PromQL, Rollout, StableArm
from handrail.declare.measures import Measure
from handrail.errors import Severity
from handrail.lint.common import expressions
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import Use, uses
from handrail.units import amount

NAME = "limit-without-reference"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every limit of every guardrail."""
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            wrong = _wrong(rollout, use)
            if wrong is not None:
                what, cure = wrong
                yield finding(NAME, use.limit, what, cure, about=guardrail, severity=Severity.fatal)


def _wrong(rollout: Rollout, use: Use) -> tuple[str, str] | None:
    name, against = type(use.limit).__name__, use.against
    if not use.limit.relative:
        return None
    if against is None:
        return f"has the relative limit {name} and no reference", "add against=BeforeRollout() or another one"
    if isinstance(against, StableArm) and (rollout.arms is None or use.guardrail.whole_service):
        return "is compared with the stable arm and does not tell arms apart", "add arms= to the rollout"
    if isinstance(against, StableArm) and isinstance(use.measure, PromQL):
        what = "is compared with the stable arm, and free PromQL is of no arm"
        return what, "use a typed measure, or compare within the expression"
    if isinstance(against, BeforeRollout | PreviousStage) and not rollout.stages:
        return "is compared with a figure captured along the stages, and there are none", "add stages="
    if isinstance(against, PreviousStage) and len(rollout.stages) < 2:
        return (
            "is compared with the stage before, and there is only one",
            "add a stage or use BeforeRollout()",
        )
    if isinstance(against, PreviousStage) and against.stage == rollout.stages[-1].name:
        return (
            f"is compared with stage '{against.stage}', and no stage comes after it",
            "name an earlier stage",
        )
    if isinstance(against, PreviousStage) and rollout.arms is not None and not use.guardrail.whole_service:
        named = [stage.weight for stage in rollout.stages if stage.name == against.stage]
        if any(weight is not None and amount(weight).value == 0 for weight in named):
            what = f"is compared with stage '{against.stage}', in which the canary has no traffic"
            return what, "name a stage in which it has some"
    captured = isinstance(against, BeforeRollout | PreviousStage)
    if captured and (isinstance(use.at, On) or _unknown(use.measure.inner)):
        what = "needs a captured figure for each of its series, and which these are is not known beforehand"
        if isinstance(use.at, On):
            what = "needs a captured figure of its own, and there is one for a guardrail"
        return what, "use Ago or Fixed here, or a guardrail of its own"
    return None


def _unknown(measure: Measure) -> bool:
    """Whether it may have several series for one arm, told apart by labels that are not declared."""
    return isinstance(measure, PromQL) and not expressions.single(measure.expr)
