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
from handrail.declare.limits import Above, AtLeast, AtMost, Below
from handrail.declare.rollout import Rollout
from handrail.declare.slo import MONTH, Slo, TimeSlices
from handrail.lower.plan_guardrail import lower_runbook
from handrail.lower.plan_measures import lower_measure
from handrail.lower.plan_slo_counts import counted, in_month, matchers, slice_signal, this_month
from handrail.lower.rollout_context import RolloutContext
from handrail.lower.scale import Scale
from handrail.lower.silences import silences
from handrail.promql.blindness import by_reason
from handrail.report.wording import NOT_PASSED, burn_rates, literal
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
_BAD = {Below: plan.Op.at_least, AtMost: plan.Op.above, Above: plan.Op.at_most, AtLeast: plan.Op.below}
"""What makes a slice bad, by what makes it good."""
_CONFIRMS = "5m"
_SAID = {False: ("events fail", "may fail"), True: ("slices of time are bad", "may be bad")}
_PERIODS = {MONTH: "a calendar month"}
_MONTH, _LONGEST_MONTH = "30d", "31d"
NO_SHARE = "its bad or good events are more than all of its events"
_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")


def lower_slo(slo: Slo, rollout: Rollout, context: RolloutContext) -> plan.Slo:
    """The whole chain of one objective: recordings, two alerts and `blind`."""
    scale = context.scale
    labels = ((names.ROLLOUT, rollout.name), (names.SLO, slo.name))
    every = scale.duration(rollout.evaluate)
    measure, least = _judged(slo, labels, every, context)
    monthly = slo.window == MONTH
    period = duration(_MONTH if monthly else slo.window)
    burns = tuple((tier, _burns(pairs, period, scale)) for tier, pairs in _BURNS)
    objective = amount(slo.objective).value
    return plan.Slo(
        name=slo.name,
        title=slo.title or slo.name,
        objective=objective,
        window=scale.time(period),
        monthly=monthly,
        measure=measure,
        least=least,
        counted=(
            *counted(measure, labels, every, scale.duration(rollout.scrape)),
            *(in_month(labels) if monthly else ()),
        ),
        ratios=(
            *(_ratio(scale.duration(window), labels, least if window in _LONG else 1) for window in _WINDOWS),
            _ratio_of_month(labels) if monthly else _ratio(scale.time(period), labels, 1),
        ),
        burns=burns,
        alerts=tuple(_alert(slo, tier, pairs, objective, context) for tier, pairs in burns),
        blind=_blind(slo, silences(measure, context), context),
        runbook=lower_runbook(slo.runbook),
        where=where_of(slo),
    )


def _judged(
    slo: Slo, labels: tuple[tuple[str, str], ...], every: timedelta, context: RolloutContext
) -> tuple[plan.Ratio | plan.SlowerThan | plan.TimeSlices, int]:
    """What is counted (events or slices of time), and how many a window needs for a verdict."""
    if isinstance(slo.measure, TimeSlices):
        measure, unit = lower_measure(slo.measure.measure, context.measuring)
        signal = slice_signal(measure, labels, unit, every, silences(measure, context))
        limit = plan.StageLimit(None, amount(slo.measure.good.at).value)
        length = context.scale.time(slo.measure.length)
        slices = plan.TimeSlices(plan.Condition(signal, _BAD[type(slo.measure.good)], (limit,)), length)
        return slices, max(1, context.scale.duration(_CONFIRMS) // length)
    measure, _ = lower_measure(slo.measure, context.measuring)
    if not isinstance(measure, plan.Ratio | plan.SlowerThan):
        raise TypeError(f"{type(measure).__name__} is not a share of events")
    return measure, measure.min_events


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


def _ratio(window: timedelta, labels: tuple[tuple[str, str], ...], least: int) -> plan.Recording:
    """An error ratio; windows that alerts rely on need `min_events`, so that one failure of three does not count."""
    width = span(window)
    errors = f"sum_over_time({plan.Selector(names.SLO_ERRORS, matchers(labels))}[{width}])"
    total = f"sum_over_time({plan.Selector(names.SLO_TOTAL, matchers(labels))}[{width}])"
    return plan.Recording(
        names.SLO_RATIO,
        f"{errors} / ({total} {f'>= {least}' if least > 1 else '> 0'}) >= 0 <= 1",
        (*labels, (names.WINDOW, width)),
    )


def _ratio_of_month(labels: tuple[tuple[str, str], ...]) -> plan.Recording:
    """The error ratio since the month began: looking back over the longest month, the number of this month matches no
    other.
    """
    errors = f"sum_over_time({plan.Selector(names.SLO_MONTH_ERRORS, matchers(labels))}[{_LONGEST_MONTH}])"
    total = f"sum_over_time({plan.Selector(names.SLO_MONTH_TOTAL, matchers(labels))}[{_LONGEST_MONTH}])"
    ratio = f"({errors} / ({total} > 0) >= 0 <= 1) and on ({names.MONTH}) {this_month()}"
    return plan.Recording(
        names.SLO_RATIO, f"sum without ({names.MONTH}) ({ratio})", (*labels, (names.WINDOW, MONTH))
    )


def _alert(
    slo: Slo, tier: str, burns: tuple[plan.Burn, ...], objective: Decimal, context: RolloutContext
) -> plan.Alert:
    budget = 1 - objective
    reasons = [_burning(slo, burn, budget, context) for burn in burns]
    title = literal(slo.title or slo.name)
    bad, may = _SAID[isinstance(slo.measure, TimeSlices)]
    return plan.Alert(
        name=names.alert_name(context.rollout.name, f"slo-{slo.name}", tier),
        tier=tier,
        severity=context.severity(tier),
        action="investigate",
        expr="\nor ".join(f"({reason})" for reason in reasons),
        sustained=timedelta(),
        keep_firing_for=timedelta(),
        labels=context.labels(f"slo-{slo.name}", tier, context.severity(tier), "investigate"),
        summary=f"{context.rollout.name}: {title}: the error budget burns too fast: {tier}, investigate",
        description=f"{{{{ $value | humanizePercentage }}}} of the {bad}; "
        f"{show(budget, Unit.ratio)} {may} in {_PERIODS.get(slo.window, slo.window)}. "
        f"{tier.capitalize()} means that the error budget loses {burn_rates(burns)}.",
        conditions=(),
        during=None,
        note=None,
        where=where_of(slo),
    )


def _burning(slo: Slo, burn: plan.Burn, budget: Decimal, context: RolloutContext) -> str:
    own = ((names.ROLLOUT, "=", context.rollout.name), (names.SLO, "=", slo.name))

    def over(window: timedelta) -> str:
        window_of = (*own, (names.WINDOW, "=", span(window)))
        return f"{plan.Selector(names.SLO_RATIO, window_of)} > {plain(burn.factor * budget)}"

    return f"{over(burn.long)} and on (rollout, slo) {over(burn.short)}"


def _blind(slo: Slo, stopped: Sequence[plan.Silence], context: RolloutContext) -> plan.Alert:
    severity = context.severity("warning")
    title = literal(slo.title or slo.name)
    return plan.Alert(
        name=names.alert_name(context.rollout.name, f"slo-{slo.name}", names.BLIND),
        tier=names.BLIND,
        severity=severity,
        action="hold",
        expr=_cannot_see(slo, stopped, context),
        sustained=context.scale.time(duration("10m")),
        keep_firing_for=timedelta(),
        labels=context.labels(f"slo-{slo.name}", names.BLIND, severity, "hold"),
        summary=f"{context.rollout.name}: {title}: blind, hold",
        description=f"{title} cannot be judged: {{{{ $labels.reason }}}}. {NOT_PASSED}",
        conditions=(),
        during=None,
        note=None,
        where=where_of(slo),
    )


def _cannot_see(slo: Slo, stopped: Sequence[plan.Silence], context: RolloutContext) -> str:
    own = ((names.ROLLOUT, "=", context.rollout.name), (names.SLO, "=", slo.name))
    hour = span(context.scale.duration(_SEEN))
    errors = f"sum_over_time({plan.Selector(names.SLO_ERRORS, own)}[{hour}])"
    total = plan.Selector(names.SLO_TOTAL, own)
    because = {
        "its metrics are missing": f"absent({total})",
        **by_reason(stopped),
        NO_SHARE: f"{errors} > sum_over_time({total}[{hour}]) or {errors} < 0",
    }
    return "\nor ".join(
        f'label_replace(count({lost}), "reason", "{reason}", "", "")' for reason, lost in because.items()
    )
