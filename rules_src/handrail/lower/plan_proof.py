"""A rollout with arms → what proves its rollback: no traffic of the canary's, and a stable version that serves and is well."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from handrail import contract, plan
from handrail.declare.rollout import Rollout
from handrail.lower.plan_checks import lower_probe
from handrail.lower.raw_series import events_counter
from handrail.lower.rollout_context import RolloutContext
from handrail.promql import values
from handrail.promql.together import any_of
from handrail.units import span

LATELY = "1h"
"""How long before a rollback its canary must have been scraped, for its absence to say that it is gone."""


def lower_proof(
    rollout: Rollout, guardrails: tuple[plan.Guardrail, ...], context: RolloutContext
) -> contract.Proof | None:
    if rollout.arms is None:
        return None
    window = context.scale.duration(rollout.scrape) * 4
    measure = counted(guardrails)
    if measure is None:
        return None
    within = context.scale.duration(rollout.proved_within)
    arms = rollout.arms
    versions = (
        arms.canary if isinstance(arms.canary, str) else contract.CANARY_VERSION,
        arms.stable if isinstance(arms.stable, str) else contract.STABLE_VERSION,
    )
    lately = within + context.scale.duration(LATELY)
    canary, stable = (of_arm(measure, (arms.label, "=", version), window) for version in versions)
    asked = [of_arm(measure, (arms.label, "=", version), lately) for version in versions]
    return contract.Proof(
        expr=_no_traffic(canary, stable, lately),
        at_most=0,
        within=within.total_seconds(),
        serves=_serves(stable, *asked),
        probes=tuple(lower_probe(one, context) for one in rollout.probes if one.proves_rollback),
    )


def _serves(stable: plan.Measure, canary_lately: plan.Measure, stable_lately: plan.Measure) -> str:
    """A sample while the stable arm serves; also where lately nobody asked either arm, and its series say so."""
    return (
        f"{values.traffic(stable, ())} > 0\n"
        f"or ({values.traffic(stable_lately, ())} == 0\n"
        f"unless on () {values.traffic(canary_lately, ())} > 0)"
    )


def _no_traffic(canary: plan.Measure, stable: plan.Measure, lately: timedelta) -> str:
    """The canary's traffic from its own series; no sample while any part of it cannot be seen.

    A canary that is gone has a traffic of 0: Prometheus scraped it lately, no longer has its targets, and still sees
    the stable arm. A canary that does not answer its scrapes is not gone.
    """
    back = span(lately)
    last = any_of(events_counter(canary) or (), lambda one: f"last_over_time({one}[{back}])")
    return (
        f"({values.traffic(canary, ())}\n"
        f"or 0 * count({last}) and on () {values.traffic(stable, ())}\n"
        f"unless on () ({last} unless on (job, instance) last_over_time(up[{back}])))\n"
        f"unless on () ({last} and on (job, instance) up == 0)"
    )


def of_arm(measure: plan.Measure, arm: tuple[str, str, str], window: timedelta) -> plan.Measure:
    """The measure that counts events, all of one arm together and over `window`."""
    narrowed = plan.narrowed(measure.inner, arm)
    return replace(narrowed, window=window, by=()) if isinstance(narrowed, plan.EventMeasure) else narrowed


def counted(guardrails: tuple[plan.Guardrail, ...]) -> plan.Measure | None:
    """The first measure that counts events; None where none does."""
    # What judges the whole service may have no label that tells the arms apart.
    apart_first = sorted(guardrails, key=lambda guardrail: guardrail.arms is None)
    measures = [guardrail.signals[0].measure for guardrail in apart_first]
    return next((measure for measure in measures if events_counter(measure) is not None), None)
