"""A declared rollout → what its report asks Prometheus for: figures over any time, and what is left of each budget.

What every report has is taken from the guardrails: error rate, successes and requests per second from the first that
measures a share of events, p95 and p99 from the first that measures a latency. Each is of the whole service.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from handrail import contract, plan
from handrail.contract import names, reporting
from handrail.declare.guardrail import Guardrail
from handrail.declare.measures import Latency, Rate, Ratio
from handrail.declare.measures import Measure as DeclaredMeasure
from handrail.declare.rollout import Rollout
from handrail.lower.plan_measures import lower_measure
from handrail.lower.raw_series import required_series
from handrail.lower.rollout_context import RolloutContext
from handrail.promql import values
from handrail.promql.together import any_of
from handrail.units import Unit, amount, span

SPAN = timedelta(days=7, milliseconds=1)
"""A window that nobody declares: it stands for the time of the report until the text is written."""
_STEP = "5m"


def lower_report(rollout: Rollout) -> contract.ReportFacts:
    """When the report is sent, and to whom."""
    declared = rollout.report
    weekly = None
    if declared.weekly:
        name, _, at = declared.weekly.partition(" ")
        weekly = contract.WeeklyTime(day=names.DAYS.index(name), at=at)
    return contract.ReportFacts(
        zone=declared.zone,
        daily=declared.daily,
        weekly=weekly,
        tell=tuple(declared.tell),
        upcoming=tuple(declared.upcoming.items()),
        daily_sections=tuple(declared.daily_sections),
        weekly_sections=tuple(declared.weekly_sections),
        guardrails=tuple(declared.guardrails),
    )


def lower_figures(rollout: Rollout, context: RolloutContext) -> tuple[contract.FigureFacts, ...]:
    """The declared figures, and those of the others that the guardrails measure."""
    declared = [
        _figure(name, measure, "declared", context) for name, measure in rollout.report.figures.items()
    ]
    named = {figure.name for figure in declared}
    return (*declared, *(one for one in _measured(rollout, context) if one.name not in named))


def lower_objectives(rollout: Rollout, context: RolloutContext) -> tuple[contract.ObjectiveFacts, ...]:
    """Each objective, with what is left of its budget."""
    objectives = []
    for slo in rollout.slos:
        window = slo.window if slo.window == names.MONTH else span(context.scale.duration(slo.window))
        matchers = _matchers(rollout, slo.name)
        ratio = plan.Selector(names.SLO_RATIO, (*matchers, (names.WINDOW, "=", window)))
        objective = amount(slo.objective).value
        objectives.append(
            contract.ObjectiveFacts(
                name=slo.name,
                title=slo.title or slo.name,
                objective=float(objective),
                window=window,
                left=f"1 - {ratio} / {1 - objective}",
            )
        )
    return tuple(objectives)


def _measured(rollout: Rollout, context: RolloutContext) -> Iterator[contract.FigureFacts]:
    shares = [(one, one.measure) for one in rollout.guardrails if isinstance(one.measure, Ratio)]
    rates = [(one, one.measure) for one in rollout.guardrails if isinstance(one.measure, Rate)]
    if shares:
        guardrail, share = shares[0]
        yield _per_second(guardrail, share, context)
        good = next((pair for pair in shares if pair[1].good is not None and pair[1].of == share.of), None)
        yield _share(reporting.ERRORS, guardrail, share, context, bad=True)
        yield _share(reporting.SUCCESSES, *(good or shares[0]), context, bad=False)
    elif rates:
        yield _figure(reporting.RPS, rates[0][1], _of(rates[0][0]), context)
    yield from _latencies(rollout, context)
    yield from _uptime(rollout)


def _latencies(rollout: Rollout, context: RolloutContext) -> Iterator[contract.FigureFacts]:
    """p95 and p99 of the guardrail that measures that quantile, else of the histogram of the first latency."""
    latencies = [(one, one.measure) for one in rollout.guardrails if isinstance(one.measure, Latency)]
    for name, quantile in ((reporting.P95, 95), (reporting.P99, 99)):
        own = next((pair for pair in latencies if Decimal(str(pair[1].p)) == quantile), None)
        guardrail, measure = own or (latencies[0] if latencies else (None, None))
        if guardrail is None or measure is None:
            continue
        lowered, unit = lower_measure(measure, context.measuring)
        if isinstance(lowered, plan.Latency):
            at = replace(lowered, q=Decimal(quantile) / 100)
            yield _made(name, at, unit, _of(guardrail) if own else f"the histogram of {guardrail.name}")


def _uptime(rollout: Rollout) -> Iterator[contract.FigureFacts]:
    """The share of good events, or of good slices of time, of the first objective."""
    for slo in rollout.slos[:1]:
        matchers = _matchers(rollout, slo.name)
        errors, total = (
            f"sum_over_time({plan.Selector(metric, matchers)}[{reporting.SPAN}])"
            for metric in (names.SLO_ERRORS, names.SLO_TOTAL)
        )
        yield contract.FigureFacts(
            name=reporting.UPTIME,
            unit=Unit.ratio,
            expr=f"1 - {errors} / ({total} > 0)",
            seen=str(plan.Selector(names.SLO_TOTAL, matchers)),
            source=f"objective {slo.name}",
        )


def _matchers(rollout: Rollout, slo: str) -> tuple[tuple[str, str, str], ...]:
    return (names.ROLLOUT, "=", rollout.name), (names.SLO, "=", slo)


def _of(guardrail: Guardrail) -> str:
    return f"guardrail {guardrail.name}"


def _per_second(guardrail: Guardrail, share: Ratio, context: RolloutContext) -> contract.FigureFacts:
    """The rate of the events that a share is taken of."""
    lowered, _ = lower_measure(share, context.measuring)
    counted = _over_the_span(lowered)
    expr = values.traffic(counted, ()) or ""
    return _facts(reporting.RPS, Unit.per_second, expr, counted, _of(guardrail))


def _share(
    name: str, guardrail: Guardrail, share: Ratio, context: RolloutContext, *, bad: bool
) -> contract.FigureFacts:
    lowered, unit = lower_measure(share, context.measuring)
    made = _made(name, lowered, unit, _of(guardrail))
    turned = (share.bad is not None) != bad
    return made.model_copy(update={"expr": f"1 - ({made.expr})"}) if turned else made


def _figure(
    name: str, measure: DeclaredMeasure, source: str, context: RolloutContext
) -> contract.FigureFacts:
    lowered, unit = lower_measure(measure, context.measuring)
    return _made(name, lowered, unit, source)


def _made(name: str, measure: plan.Measure, unit: Unit, source: str) -> contract.FigureFacts:
    over = _over_the_span(measure)
    expr = values.value(over, (), values.traffic(over, ()))
    if isinstance(over, plan.Gauge | plan.Usage):
        expr = f"avg_over_time(({expr})[{span(SPAN)}:{_STEP}])"
    return _facts(name, unit, expr, over, source)


def _over_the_span(measure: plan.Measure) -> plan.Measure:
    """What is measured over the whole time of the report, and not over a window of its own; of all labels together."""
    match measure:
        case plan.Ratio() | plan.Latency() | plan.SlowerThan() | plan.Increase() | plan.Rate():
            return replace(measure, window=SPAN, by=())
        case plan.Gauge() | plan.Usage() | plan.Growth() | plan.Changes() | plan.Count() | plan.Forecast():
            return measure
        case plan.Difference() | plan.Timestamp() | plan.State() | plan.StateChanges() | plan.Absence():
            return measure
        case plan.While() | plan.PromQL():
            return measure


def _facts(name: str, unit: Unit, expr: str, measure: plan.Measure, source: str) -> contract.FigureFacts:
    return contract.FigureFacts(
        name=name,
        unit=unit,
        expr=expr.replace(span(SPAN), reporting.SPAN),
        seen=_seen(required_series(measure)),
        source=source,
    )


def _seen(needed: Sequence[Sequence[plan.Selector]]) -> str:
    """A query with a sample while at least one series of each group exists; always, if no series is named."""
    groups = [f"count({any_of(group)})" for group in needed]
    return " and on () ".join(groups) if groups else "vector(1)"
