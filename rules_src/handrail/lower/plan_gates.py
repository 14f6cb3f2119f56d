"""A declared rollout with its lowered guardrails → its gates: what must be true to go on, and after the last stage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from handrail import contract, plan
from handrail.contract import names
from handrail.declare.rollout import Approval, Gate, Rollout, Stage
from handrail.lower.over_stage import counted_over
from handrail.lower.plan_checks import lower_checklist
from handrail.lower.rollout_context import RolloutContext
from handrail.plan.timing import looks_back
from handrail.units import amount, plain, span


def seconds_of(written: str | None, context: RolloutContext) -> float | None:
    """A declared time in seconds, as it runs here; None where there is none."""
    time = context.scale.maybe(written)
    return None if time is None else time.total_seconds()


def lower_gates(
    rollout: Rollout, guardrails: tuple[plan.Guardrail, ...], context: RolloutContext
) -> tuple[contract.Gate, ...]:
    """The gate into each stage (but not into a first one that asks for nothing), and the one after the last stage."""
    into: list[tuple[str, Gate | None]] = [(stage.name, stage.gate) for stage in rollout.stages]
    into += [(names.COMPLETE, rollout.complete)] if rollout.stages else []
    left = [None, *context.stages]
    return tuple(
        _gate(name, asked or Gate(), left[place], guardrails, context)
        for place, (name, asked) in enumerate(into)
        if place or asked
    )


def _gate(
    into: str,
    asked: Gate,
    left: plan.Stage | None,
    guardrails: tuple[plan.Guardrail, ...],
    context: RolloutContext,
) -> contract.Gate:
    """What must be true to enter a stage from `left`. For the first stage there is no `left`: only people are asked."""
    coverage = amount(asked.coverage).value
    return contract.Gate(
        into=into,
        criteria=(
            *_budgets(asked, context),
            *(
                _criterion(guardrail, criterion, left, coverage, context)
                for guardrail in guardrails
                for criterion in guardrail.success
                if left is not None
                and _asked(guardrail, left)
                and _applies(criterion.condition, left, guardrail, context)
            ),
        ),
        budget_left=float(amount(asked.budget_left).value) if asked.budget_left else None,
        manual=tuple(asked.manual),
        approvals=tuple(_approval(one, context) for one in asked.approvals),
        stable_for=seconds_of(asked.stable_for, context) or None,
        severities=tuple(asked.severities),
        checklist=() if left is None else lower_checklist(context.rollout, _declared(left, context), context),
        checks=asked.checks,
    )


def _declared(left: plan.Stage, context: RolloutContext) -> Stage:
    return next(stage for stage in context.rollout.stages if stage.name == left.name)


def _budgets(asked: Gate, context: RolloutContext) -> Iterator[contract.Criterion]:
    """A criterion for each error budget: how much of it must be left now."""
    for slo in context.rollout.slos if asked.budget_left else ():
        left, budget = amount(asked.budget_left or "0%").value, 1 - amount(slo.objective).value
        window = span(context.scale.duration(slo.window))
        matchers = (
            (names.ROLLOUT, "=", context.rollout.name),
            (names.SLO, "=", slo.name),
            (names.WINDOW, "=", window),
        )
        ratio = plan.Selector(names.SLO_RATIO, matchers)
        yield contract.Criterion(
            guardrail=f"slo-{slo.name}",
            text=f"at least {asked.budget_left} of its error budget left",
            expr=f"{ratio} > {plain((1 - left) * budget)}",
            seen=str(ratio),
        )


def _approval(written: str | Approval, context: RolloutContext) -> contract.Approval:
    asked = Approval(written) if isinstance(written, str) else written
    return contract.Approval(
        role=asked.role,
        valid_for=context.scale.duration(asked.valid_for).total_seconds(),
        four_eyes=asked.four_eyes,
    )


def _asked(guardrail: plan.Guardrail, left: plan.Stage) -> bool:
    """Whether a gate asks for this guardrail: not for a shadow, and not for a canary without traffic."""
    return not guardrail.shadow and (guardrail.arms is None or left.has_canary)


def _applies(
    condition: plan.Condition, left: plan.Stage, guardrail: plan.Guardrail, context: RolloutContext
) -> bool:
    """Whether the condition has a figure in a stage, and something to compare with: the first has no stage before it,
    and where the canary has all traffic there is no stable arm.
    """
    reference = condition.reference
    if condition.figure_in(left.name) is None:
        return False
    if reference is None or reference.kind is not plan.ReferenceKind.previous_stage:
        return left.has_both or reference is None or reference.kind is not plan.ReferenceKind.stable
    return left.name in plan.compared_stages(reference, context.stages, guardrail.arms)


def _criterion(
    guardrail: plan.Guardrail,
    criterion: plan.Success,
    left: plan.Stage,
    coverage: Decimal,
    context: RolloutContext,
) -> contract.Criterion:
    """What is asked at the end of a stage: by its windows, or by all that was counted in it."""
    window = looks_back(criterion.condition.signal.measure)
    if criterion.counted is not None and (left.bake is None or left.bake > window):
        return counted_over(guardrail, criterion, left, context)
    return _by_windows(guardrail.name, criterion, left, coverage, context)


def _by_windows(
    guardrail: str, criterion: plan.Success, left: plan.Stage, coverage: Decimal, context: RolloutContext
) -> contract.Criterion:
    """A criterion over the whole stage except its first window, which still contains data from before the stage.

    In the share `coverage` of the evaluations there must have been something to judge. A share below the usual is for
    times without traffic: the data itself must have been there for the usual share.
    If the window is as long as the stage, one look at the end of the stage covers exactly the stage.
    """
    every = context.scale.duration(context.rollout.evaluate)
    over = (left.bake or timedelta()) - looks_back(criterion.condition.signal.measure)
    if over <= every:
        return contract.Criterion(
            guardrail=guardrail, text=criterion.text, expr=criterion.breach, seen=criterion.seen
        )
    steps, rest = f"[{span(over)}:{span(every)}]", over // every

    def share(samples: str) -> str:
        return f"clamp_max(count_over_time((count({samples})){steps}) / {rest}, 1)"

    usual = Decimal(str(contract.SEEN_FOR))
    asked = coverage if criterion.there else max(coverage, usual)
    judged, there = share(criterion.seen), share(criterion.there) if asked < usual else ""
    seen = f"{judged} >= {plain(asked)}"
    return contract.Criterion(
        guardrail=guardrail,
        text=criterion.text,
        expr=f"count_over_time(({criterion.breach}){steps})",
        seen=f"{seen}\nand on () {there} >= {plain(usual)}" if there else seen,
        judged=judged,
        over=over.total_seconds(),
        coverage=float(asked),
        there=there,
    )
