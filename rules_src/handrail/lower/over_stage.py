"""A criterion of all events since the stage began → what is asked for it, once.

A share is added up from what was recorded of windows that follow each other: so it counts every event once, however short
the life of its series was. A quantile is no sum of quantiles: it is taken of the histogram itself. How long the stage has
lasted only the receiver knows, and `SPAN` stands for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from handrail import contract, plan
from handrail.lower.rollout_context import RolloutContext
from handrail.lower.silences import known
from handrail.plan.measurements import LEAST_BAD
from handrail.promql import values
from handrail.promql.arm_versions import joined, versions_of
from handrail.promql.windows import ESTIMATED
from handrail.units import plain, span

_STAGE = timedelta(days=99, milliseconds=1)
"""Stands for the time since the stage began while a query is made: no window is so long."""


def counted_over(
    guardrail: plan.Guardrail, success: plan.Success, left: plan.Stage, context: RolloutContext
) -> contract.Criterion:
    """The criterion at the end of stage `left`. Its data must have been there for as long as every other one's."""
    figure = success.condition.figure_in(left.name) or Decimal(0)
    query = _query(guardrail, success, figure, context)
    every = span(context.scale.duration(context.rollout.evaluate))
    there = f"avg_over_time((count({success.there}) > bool 0 or vector(0))[{contract.SPAN}:{every}])"
    return contract.Criterion(
        guardrail=guardrail.name,
        text=success.text,
        expr=f"{query.value} {success.condition.op.value} {plain(figure)}\nand on () ({query.enough})",
        seen=f"{query.value}\nand on () ({query.enough})\nand on () ({there} >= {contract.SEEN_FOR})",
        there=there,
        over=(left.bake or timedelta()).total_seconds(),
        events=contract.StageEvents(
            count=query.count,
            least=query.least,
            unit=success.condition.signal.unit.value,
            leaves=query.leaves.total_seconds(),
        ),
    )


@dataclass(frozen=True)
class _StageQuery:
    """The figure since the stage began; of how many events it is, and whether that is enough. The first `leaves` are not asked."""

    value: str
    count: str
    enough: str
    least: int
    leaves: timedelta


def _query(
    guardrail: plan.Guardrail, success: plan.Success, figure: Decimal, context: RolloutContext
) -> _StageQuery:
    condition = success.condition
    measure = condition.signal.measure
    if not isinstance(measure, plan.EventMeasure):
        raise TypeError(f"{type(measure).__name__} counts no events of a stage")
    least = least_events(success, figure)
    counted = replace(measure, min_events=least)
    condition = replace(condition, signal=replace(condition.signal, measure=counted))
    if isinstance(measure, plan.Latency):
        return _quantile(guardrail, condition, measure, least, figure, context)
    return _share(condition, least, measure.window)


def least_events(success: plan.Success, figure: Decimal) -> int:
    """So many events are needed that ten lie beyond the limit where the limit is just reached, if no number was declared."""
    measure, counted = success.condition.signal.measure, success.counted
    if counted is not None and counted.least is not None:
        return counted.least
    of_good_ones = isinstance(measure, plan.Ratio) and not measure.bad
    rare = 1 - measure.q if isinstance(measure, plan.Latency) else 1 - figure if of_good_ones else figure
    return events_needed(rare)


def events_needed(rare: Decimal) -> int:
    """So many events that ten are rare ones, of which there is this share. Where none may be, one says it among any number."""
    return -int(-LEAST_BAD // rare) if rare > 0 else 1


def _share(condition: plan.Condition, least: int, window: timedelta) -> _StageQuery:
    """What was recorded of windows that follow each other, added up; a window that began before the stage is left out."""
    value, events = condition.signal.value, condition.signal.events
    steps = f"[{contract.SPAN}:{span(window)}]"
    both = f"{value} * ignoring (__name__) {events}"
    part = f"sum(sum_over_time(round({both}){steps}))"
    count = f"sum(sum_over_time(({events} and ignoring (__name__) {value}){steps}))"
    enough, bad = f"{count} >= {least}", part if condition.is_upper else f"{count} - {part}"
    if condition.least_bad is not None:
        enough += f" or {bad} >= {condition.least_bad}"
    return _StageQuery(f"{part} / ({count} > 0)", count, enough, least, window)


def _quantile(
    guardrail: plan.Guardrail,
    condition: plan.Condition,
    measure: plan.Latency,
    least: int,
    figure: Decimal,
    context: RolloutContext,
) -> _StageQuery:
    """Of the histogram. With fewer events than `least` it is broken where so many are slow that quick ones would not fix it:
    where the quantile further down is beyond the limit, which as many events leave the same number of slow ones above.
    """
    value = _of_histogram(guardrail, condition.signal, measure, plain(measure.q), context)
    count = _told(_events(guardrail, condition.signal, measure, context))
    enough = f"{count} >= {least}"
    if condition.is_upper and not measure.native:
        rest = f"scalar(1 - {plain(1 - measure.q)} * {least} / clamp({count}, 1, {least}))"
        few = _of_histogram(guardrail, condition.signal, measure, rest, context)
        enough += f" or {few} {condition.op.value} {plain(figure)}"
    return _StageQuery(value, count, enough, least, timedelta())


def _of_histogram(
    guardrail: plan.Guardrail, signal: plan.Signal, measure: plan.Latency, q: str, context: RolloutContext
) -> str:
    whole = _judged(guardrail, signal, measure)
    formula = values.value(whole, signal.arm_labels, values.traffic(whole, signal.arm_labels), ESTIMATED)
    text = f"max({_known(formula, guardrail, signal, context)}) < Inf > -Inf"
    asked = f"histogram_quantile({plain(measure.q)},"
    return _told(f"({text.replace(asked, f'histogram_quantile({q},')})")


def _events(
    guardrail: plan.Guardrail, signal: plan.Signal, measure: plan.Latency, context: RolloutContext
) -> str:
    number = values.events(_judged(guardrail, signal, measure), signal.arm_labels, ESTIMATED) or ""
    return f"max({_known(number, guardrail, signal, context)})"


def _judged(guardrail: plan.Guardrail, signal: plan.Signal, measure: plan.Latency) -> plan.Latency:
    """Over the whole stage, of the arm that is judged."""
    whole, arms = replace(measure, window=_STAGE), guardrail.arms
    if arms is None or arms.told or not signal.arm_labels:
        return whole
    return replace(whole, histogram=whole.histogram.where(arms.of_canary))


def _known(expr: str, guardrail: plan.Guardrail, signal: plan.Signal, context: RolloutContext) -> str:
    """While its sources still come; of versions that are told, the canary's."""
    arms = guardrail.arms
    if arms is not None and arms.told and signal.arm_labels:
        canary = versions_of(context.rollout.name, guardrail.name, arms.label, arms.of_canary)
        expr = joined(expr, canary)
    return known(expr, signal.silences)


def _told(expr: str) -> str:
    """With what the receiver knows left open."""
    return expr.replace(span(_STAGE), contract.SPAN)
