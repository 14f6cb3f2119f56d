"""Declarations → problems: one lint per file, in the order a reader of a declaration meets them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from handrail import plan
from handrail.declare import Environment, Rollout
from handrail.errors import Problem, Severity
from handrail.lint import (
    accept_unused,
    address_unknown,
    ago_within_rollout,
    ago_within_window,
    alert_never_fires,
    arms_swapped,
    bound_between_buckets,
    calendar_over,
    check_never_made,
    condition_below_limit,
    confirm_unused,
    counter_as_gauge,
    counter_at_zero,
    coverage_unused,
    deadline_too_short,
    detection_too_slow,
    diluted_canary,
    escalation_order,
    evaluate_below_scrape,
    events_between_evaluations,
    free_promql,
    gauge_as_counter,
    histogram_suffix,
    interval_too_long,
    interval_too_short,
    job_not_scraped,
    label_names,
    limit_always_fires,
    limit_never_fires,
    limit_turned,
    limit_unfit,
    limit_without_reference,
    limit_wrong_unit,
    matcher_clash,
    metric_unit,
    missing_runbook,
    nobody_told,
    nothing_to_judge,
    objective_out_of_reach,
    one_event_enough,
    over_budget,
    part_of_whole,
    pattern_as_text,
    pattern_too_narrow,
    promql_comparison,
    promql_empty,
    promql_too_new,
    receiver_too_new,
    reference_unused,
    rise_without_floor,
    rollback_never_asked,
    rollback_without_target,
    rollout_order,
    same_name_twice,
    severity_words,
    shared_series,
    shared_target,
    source_unlike,
    stage_too_short,
    stage_unguarded,
    stage_weights,
    success_never_asked,
    success_too_loose,
    success_without_not,
    sustained_outlasts_event,
    thin_traffic,
    tier_order,
    timestamp_as_gauge,
    unequal_arms,
    unknown_guardrail,
    unknown_rollout,
    unknown_route,
    unknown_stage,
    warm_up_outlasts_tier,
    window_outlasts_stage,
    window_too_short,
)
from handrail.lint.common.finding import Finding
from handrail.plan.timing import Times, timing

Lint = Callable[[Rollout], Iterator[Finding]]
HereLint = Callable[[Rollout, Environment], Iterator[Finding]]
BesideLint = Callable[[Rollout, Sequence[Rollout], Environment], Iterator[Finding]]
AcrossLint = Callable[[Sequence[Rollout], Sequence[Environment]], Iterator[Finding]]
PlanLint = Callable[[plan.Rollout, Mapping[str, Times]], Iterator[Finding]]

LINTS: tuple[Lint, ...] = (
    nothing_to_judge.check,
    same_name_twice.check,
    label_names.check,
    matcher_clash.check,
    pattern_as_text.check,
    pattern_too_narrow.check,
    arms_swapped.check,
    part_of_whole.check,
    histogram_suffix.check,
    counter_as_gauge.check,
    gauge_as_counter.check,
    timestamp_as_gauge.check,
    counter_at_zero.check,
    free_promql.check,
    promql_comparison.check,
    promql_empty.check,
    metric_unit.check,
    bound_between_buckets.check,
    interval_too_long.check,
    evaluate_below_scrape.check,
    window_too_short.check,
    events_between_evaluations.check,
    window_outlasts_stage.check,
    stage_weights.check,
    stage_too_short.check,
    deadline_too_short.check,
    check_never_made.check,
    calendar_over.check,
    unknown_stage.check,
    unknown_guardrail.check,
    limit_unfit.check,
    limit_without_reference.check,
    reference_unused.check,
    ago_within_window.check,
    ago_within_rollout.check,
    unequal_arms.check,
    limit_wrong_unit.check,
    limit_never_fires.check,
    limit_always_fires.check,
    limit_turned.check,
    rise_without_floor.check,
    tier_order.check,
    success_too_loose.check,
    success_without_not.check,
    sustained_outlasts_event.check,
    one_event_enough.check,
    condition_below_limit.check,
    confirm_unused.check,
    coverage_unused.check,
    thin_traffic.check,
    diluted_canary.check,
    severity_words.check,
    escalation_order.check,
    rollback_without_target.check,
    rollback_never_asked.check,
    missing_runbook.check,
)
"""What one rollout shows."""

HERE: tuple[HereLint, ...] = (
    promql_too_new.check,
    receiver_too_new.check,
    source_unlike.check,
    job_not_scraped.check,
    address_unknown.check,
    interval_too_short.check,
)
"""What one rollout shows where it runs in one environment."""

BESIDE: tuple[BesideLint, ...] = (shared_series.check,)
"""What one rollout shows beside all the others, where they run in one environment."""

ACROSS: tuple[AcrossLint, ...] = (
    same_name_twice.across,
    label_names.across,
    matcher_clash.across,
    rollout_order.across,
    shared_target.across,
    unknown_rollout.across,
    unknown_route.across,
    nobody_told.across,
)
"""What only the whole source folder shows."""

_NEED_ALL = (rollout_order.across, unknown_rollout.across, unknown_route.across)

PLAN_LINTS: tuple[PlanLint, ...] = (
    alert_never_fires.check,
    stage_unguarded.check,
    success_never_asked.check,
    detection_too_slow.check,
    warm_up_outlasts_tier.check,
    over_budget.check,
    objective_out_of_reach.check,
    nobody_told.check,
)
"""What the plan shows: what can never be, and what depends on how long things take."""

ACCEPTED = accept_unused.check
"""What was accepted is looked at last."""


def lint_names(lints: Iterable[Callable[..., Iterator[Finding]]]) -> tuple[str, ...]:
    """The names by which these lints are known."""
    return tuple(str(vars(sys.modules[lint.__module__])["NAME"]) for lint in lints)


ALL: tuple[str, ...] = tuple(
    dict.fromkeys(lint_names((*LINTS, *HERE, *BESIDE, *ACROSS, *PLAN_LINTS, ACCEPTED)))
)


def lint(
    rollouts: Sequence[Rollout],
    environments: Sequence[Environment] = (),
    here: Environment | None = None,
    *,
    whole: bool = True,
) -> list[Problem]:
    """Everything the declarations themselves show, by place, but for what was accepted.

    `here` is where the rollouts run. `whole` says whether all was loaded; what was not is not called missing.
    """
    here, beside = here or Environment("default"), BESIDE if whole else ()
    looked = lint_names((*LINTS, *HERE, *beside))
    problems = {
        problem
        for rollout in rollouts
        for problem in _not_accepted(rollout, _findings(rollout, rollouts, here, beside), looked)
    }
    across = ACROSS if whole else tuple(check for check in ACROSS if check not in _NEED_ALL)
    problems |= {finding.problem for check in across for finding in check(rollouts, environments)}
    return sorted(problems)


def lint_plan(planned: plan.Rollout, rollout: Rollout) -> list[Problem]:
    """What else the plan of `rollout` shows, in real time, by place, but for what was accepted."""
    times = timing(planned)
    findings = [finding for check in PLAN_LINTS for finding in check(planned, times)]
    return sorted(set(_not_accepted(rollout, findings, lint_names(PLAN_LINTS))))


def _findings(
    rollout: Rollout, rollouts: Sequence[Rollout], here: Environment, beside: Sequence[BesideLint]
) -> list[Finding]:
    own = [finding for check in LINTS for finding in check(rollout)]
    own += [finding for check in HERE for finding in check(rollout, here)]
    return own + [finding for check in beside for finding in check(rollout, rollouts, here)]


def _not_accepted(rollout: Rollout, findings: list[Finding], looked: tuple[str, ...]) -> Iterator[Problem]:
    accepted: set[tuple[str | None, str]] = {(None, lint) for lint in rollout.accept}
    accepted |= {(guardrail.name, lint) for guardrail in rollout.guardrails for lint in guardrail.accept}
    unused = accept_unused.check(rollout, findings, looked, ALL)
    for each in (*findings, *unused):
        lint, fatal = each.problem.lint, each.problem.severity is Severity.fatal
        if fatal or not accepted & {(None, lint), (each.about, lint)}:
            yield each.problem
