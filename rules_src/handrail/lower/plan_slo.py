"""A declared SLO → the plan's: two recordings per evaluation, sums over them for every window, burn-rate alerts.

Shares of the budget and windows are those of the Google SRE Workbook, chapter 5, table 5-8. A window's error ratio is
the sum of the recorded errors over the sum of the recorded totals, never an average of ratios.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from handrail import plan
from handrail.base import where_of
from handrail.contract import names
from handrail.declare.rollout import Rollout
from handrail.declare.slo import Slo
from handrail.lower.plan_guardrail import lower_runbook
from handrail.lower.plan_measures import lower_measure
from handrail.lower.rollout_context import RolloutContext
from handrail.lower.scale import Scale
from handrail.promql.buckets import bucket
from handrail.promql.counting import targets_from_zero
from handrail.promql.increments import increments
from handrail.report.wording import burn_rates, literal
from handrail.units import Unit, amount, duration, plain, seconds, show, span

_BURNS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    ("warning", (("10%", "1d", "2h"), ("10%", "3d", "6h"))),
    ("critical", (("2%", "1h", "5m"), ("5%", "6h", "30m"))),
)
"""By tier: the share of the budget that may be used up in the long window, and the short window that confirms it.

docs/decisions/burn-rates-of-any-period.md
"""
_LONG = {long for _, pairs in _BURNS for _, long, _ in pairs}
_SEEN = "1h"
"""The time over which errors and events are compared before it is said that they do not belong together."""
NO_SHARE = "its bad or good events are more than all of its events"
_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")


def lower_slo(slo: Slo, rollout: Rollout, context: RolloutContext) -> plan.Slo:
    """The whole chain of one objective: recordings, two alerts and `blind`."""
    scale = context.scale
    measure, _ = lower_measure(slo.measure, context.measuring)
    if not isinstance(measure, plan.Ratio | plan.SlowerThan):
        raise TypeError(f"{type(measure).__name__} is not a share of events")
    labels = ((names.ROLLOUT, rollout.name), (names.SLO, slo.name))
    counted = _counted(measure, labels, scale.duration(rollout.evaluate), scale.duration(rollout.scrape))
    burns = tuple((tier, _burns(pairs, duration(slo.window), scale)) for tier, pairs in _BURNS)
    objective = amount(slo.objective).value
    return plan.Slo(
        name=slo.name,
        title=slo.title or slo.name,
        objective=objective,
        window=scale.duration(slo.window),
        measure=measure,
        counted=counted,
        ratios=tuple(
            _ratio(scale.duration(window), labels, measure.min_events if window in _LONG else 1)
            for window in (*_WINDOWS, slo.window)
        ),
        burns=burns,
        alerts=tuple(_alert(slo, tier, pairs, objective, context) for tier, pairs in burns),
        blind=_blind(slo, context),
        runbook=lower_runbook(slo.runbook),
        where=where_of(slo),
    )


def _burns(pairs: Sequence[tuple[str, str, str]], window: timedelta, scale: Scale) -> tuple[plan.Burn, ...]:
    """The burn rates: how many times too fast the budget burns when a pair's share of it is gone in the long window.

    Never below 1: a budget that burns more slowly lasts, and nobody needs to be told.
    """
    burns = []
    for written, long, short in pairs:
        share = amount(written).value
        factor = share * seconds(window) / seconds(duration(long))
        least = seconds(duration(long)) / seconds(window)
        burns.append(
            plan.Burn(
                share=share if factor >= 1 else round(least, 3),
                factor=max(factor, Decimal(1)),
                long=scale.duration(long),
                short=scale.duration(short),
            )
        )
    return tuple(burns)


def _counted(
    measure: plan.Ratio | plan.SlowerThan,
    labels: tuple[tuple[str, str], ...],
    every: timedelta,
    scrape: timedelta,
) -> tuple[plan.Recording, ...]:
    """The recordings of errors and events since the last evaluation, after those they depend on."""
    own = tuple((label, "=", text) for label, text in labels)
    recorded = plan.Selector(names.SLO_TOTAL, own)
    if isinstance(measure, plan.SlowerThan) and measure.native:
        errors, total = _of_native(measure, recorded, every, scrape)
        return plan.Recording(names.SLO_TOTAL, total, labels), plan.Recording(
            names.SLO_ERRORS, errors, labels
        )
    if isinstance(measure, plan.SlowerThan):
        whole, part, bad = (
            measure.histogram.suffixed("_count"),
            bucket(measure.histogram, measure.bound),
            False,
        )
    else:
        whole, part, bad = measure.whole, measure.part, measure.bad
    from_zero = plan.Selector(names.SLO_FROM_ZERO, own)
    some = f"({increments(part, every, scrape, from_zero)} or {_none(recorded)})"
    return (
        plan.Recording(names.SLO_FROM_ZERO, targets_from_zero(whole, every), labels),
        plan.Recording(names.SLO_TOTAL, increments(whole, every, scrape, from_zero), labels),
        plan.Recording(names.SLO_ERRORS, some if bad else f"sum({recorded}) - {some}", labels),
    )


def _none(recorded: plan.Selector) -> str:
    return f"sum({recorded}) * 0"


def _of_native(
    measure: plan.SlowerThan, recorded: plan.Selector, every: timedelta, scrape: timedelta
) -> tuple[str, str]:
    """The estimate over some scrapes, scaled to one evaluation: older versions cannot subtract native histograms."""
    width = every + 4 * scrape
    grown = f"sum(increase({measure.histogram}[{span(width)}]))"
    total = f"histogram_count({grown}) * {plain(seconds(every))} / {plain(seconds(width))}"
    # The fraction of no events is not a number, and one of these would stay in every window's sum.
    slow = f"1 - histogram_fraction(0, {plain(measure.bound)}, {grown})"
    return f"({slow}) * sum({recorded} > 0) or {_none(recorded)}", total


def _ratio(window: timedelta, labels: tuple[tuple[str, str], ...], least: int) -> plan.Recording:
    """An error ratio; windows that alerts rely on need `min_events`, so that one failure of three does not count."""
    matchers = tuple((label, "=", text) for label, text in labels)
    width = span(window)
    errors = f"sum_over_time({plan.Selector(names.SLO_ERRORS, matchers)}[{width}])"
    total = f"sum_over_time({plan.Selector(names.SLO_TOTAL, matchers)}[{width}])"
    return plan.Recording(
        names.SLO_RATIO,
        f"{errors} / ({total} {f'>= {least}' if least > 1 else '> 0'}) >= 0 <= 1",
        (*labels, (names.WINDOW, width)),
    )


def _alert(
    slo: Slo, tier: str, burns: tuple[plan.Burn, ...], objective: Decimal, context: RolloutContext
) -> plan.Alert:
    budget = 1 - objective
    reasons = [_burning(slo, burn, budget, context) for burn in burns]
    title = literal(slo.title or slo.name)
    return plan.Alert(
        name=names.alert_name(context.rollout.name, f"slo-{slo.name}", tier),
        tier=tier,
        severity=context.severity(tier),
        action="investigate",
        expr="\nor ".join(f"({reason})" for reason in reasons),
        sustained=timedelta(),
        keep_firing_for=timedelta(),
        labels=context.labels(f"slo-{slo.name}", tier, context.severity(tier), "investigate"),
        summary=f"{title} of {context.rollout.name} burns its error budget: {tier}",
        description=f"{{{{ $value | humanizePercentage }}}} of the events fail; the budget of {show(budget, Unit.ratio)} "
        f"in {slo.window} loses {burn_rates(burns)}.",
        conditions=(),
        during=None,
        note=None,
        where=where_of(slo),
    )


def _burning(slo: Slo, burn: plan.Burn, budget: Decimal, context: RolloutContext) -> str:
    def over(window: timedelta) -> str:
        matchers = (
            (names.ROLLOUT, "=", context.rollout.name),
            (names.SLO, "=", slo.name),
            (names.WINDOW, "=", span(window)),
        )
        return f"{plan.Selector(names.SLO_RATIO, matchers)} > {plain(burn.factor * budget)}"

    return f"{over(burn.long)} and on (rollout, slo) {over(burn.short)}"


def _blind(slo: Slo, context: RolloutContext) -> plan.Alert:
    severity = context.severity("warning")
    title = literal(slo.title or slo.name)
    return plan.Alert(
        name=names.alert_name(context.rollout.name, f"slo-{slo.name}", names.BLIND),
        tier=names.BLIND,
        severity=severity,
        action="hold",
        expr=_cannot_see(slo, context),
        sustained=context.scale.time(duration("10m")),
        keep_firing_for=timedelta(),
        labels=context.labels(f"slo-{slo.name}", names.BLIND, severity, "hold"),
        summary=f"{title} of {context.rollout.name}: blind, hold",
        description=f"{title} cannot be judged: {{{{ $labels.reason }}}}. This is no pass: hold.",
        conditions=(),
        during=None,
        note=None,
        where=where_of(slo),
    )


def _cannot_see(slo: Slo, context: RolloutContext) -> str:
    own = ((names.ROLLOUT, "=", context.rollout.name), (names.SLO, "=", slo.name))
    hour = span(context.scale.duration(_SEEN))
    errors = f"sum_over_time({plan.Selector(names.SLO_ERRORS, own)}[{hour}])"
    total = plan.Selector(names.SLO_TOTAL, own)
    because = {
        "its metrics are missing": f"absent({total})",
        NO_SHARE: f"{errors} > sum_over_time({total}[{hour}]) or {errors} < 0",
    }
    return "\nor ".join(
        f'label_replace(count({lost}), "reason", "{reason}", "", "")' for reason, lost in because.items()
    )
