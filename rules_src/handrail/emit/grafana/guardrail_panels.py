"""A guardrail of the plan → its panels: the value of each arm, the limits now in force, the traffic behind it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from grafana_foundation_sdk.models.dashboard import Panel

from handrail import plan
from handrail.contract import names
from handrail.emit.grafana.drawing import Line, Look, PanelFrame, curves, states
from handrail.promql import comparisons, values
from handrail.report import wording
from handrail.units import Unit, span

LOOKS = {"warning": Look.warning, "critical": Look.critical, "emergency": Look.emergency}


def panels(guardrail: plan.Guardrail, rollout: plan.Rollout) -> list[Panel]:
    """One panel for each of its signals; state changes are visible in the state's own panel."""
    return [
        _panel(signal, guardrail, rollout)
        for signal in guardrail.signals
        if not isinstance(signal.measure, plan.StateChanges)
    ]


def limits(guardrail: plan.Guardrail, rollout: plan.Rollout, signal: str = "") -> list[Line]:
    """What a signal is compared with: one line for each tier, in force in the stage of that moment, and success."""
    scope = comparisons.Scope(rollout.name, guardrail.name, rollout.stages, guardrail.arms)
    lines = [
        Line(_limit(condition, scope), _each(_tier(alert, condition), condition), LOOKS[alert.tier])
        for alert in guardrail.alerts
        for condition in alert.conditions
        if _drawn(condition, signal)
    ]
    own = () if guardrail.split else guardrail.success  # of the split success is that its tier does not fire
    wanted = [success for success in own if _drawn(success.condition, signal)]
    lines += [
        Line(
            _limit(one.condition, scope),
            _each(_success(one, alone=len(wanted) == 1), one.condition),
            Look.success,
        )
        for one in wanted
    ]
    return list(dict.fromkeys(lines))


def _tier(alert: plan.Alert, condition: plan.Condition) -> str:
    """The lines of a tier; if it has limits on both sides, the legend says which one it is."""
    sides = {one.is_upper for one in alert.conditions if one.signal == condition.signal}
    side = f", {'above' if condition.is_upper else 'below'}" if len(sides) > 1 else ""
    return f"{alert.tier} → {alert.action}{side}"


def _success(criterion: plan.Success, *, alone: bool) -> str:
    """The lines of the success criteria; several in one panel are named by what they ask for."""
    return "success" if alone else f"success: {criterion.text}"


def _each(legend: str, condition: plan.Condition) -> str:
    """The legend of a limit that differs for each value of the measure's labels."""
    labels = condition.signal.measure.labels
    return f"{legend} {_legend(labels)}" if condition.reference is not None and labels else legend


def _drawn(condition: plan.Condition, signal: str) -> bool:
    return condition.signal.name == signal and condition.state is None


def _limit(condition: plan.Condition, scope: comparisons.Scope) -> str:
    line = comparisons.limit(_last_good(condition), scope)
    if condition.reference is None:
        return line if condition.staged else f"vector({line})"
    return line


def _last_good(condition: plan.Condition) -> plan.Condition:
    """The same limit as the last count that is still good: "below 1" and "not above 0" are one line."""
    counted = isinstance(condition.signal.measure.inner, plan.Increase | plan.Count | plan.Changes)
    whole = all(figure == figure.to_integral_value() for figure in condition.figures)
    if not (counted and whole) or condition.reference is not None or condition.op.value in {">", "<"}:
        return condition
    by = -1 if condition.is_upper else 1
    limits = tuple(
        replace(limit, figure=None if limit.figure is None else limit.figure + by)
        for limit in condition.limits
    )
    return replace(condition, limits=limits)


def _panel(signal: plan.Signal, guardrail: plan.Guardrail, rollout: plan.Rollout) -> Panel:
    title = f"{guardrail.title} ({signal.name})" if signal.name else guardrail.title
    frame = PanelFrame(
        title=title,
        text=_text(guardrail),
        links=(("Runbook", f"{rollout.runbook_url}#{guardrail.name}"),),
    )
    if isinstance(signal.measure, plan.State):
        recorded = Line(_recorded(signal.value, guardrail.arms), _legend(_shown(signal, guardrail.arms)))
        return states(frame, [recorded])
    lines = [*_values(signal, guardrail.arms), *limits(guardrail, rollout, signal.name), *_events(signal)]
    return curves(frame, signal.unit, lines)


def _text(guardrail: plan.Guardrail) -> str:
    said = [guardrail.runbook.impact] if guardrail.runbook.impact else []
    for alert in guardrail.alerts:
        sustained = f" sustained for {span(alert.sustained)}" if alert.sustained else ""
        said.append(f"**{alert.tier}**: {wording.limits(alert)}{sustained} → {alert.action}")
    if guardrail.shadow:
        said.append("Shadow: it triggers no action.")
    return "\n\n".join(said)


def _recorded(series: plan.Selector, arms: plan.Arms | None) -> str:
    """The recorded series of every arm."""
    label = arms.recorded if arms else ""
    return str(plan.Selector(series.metric, tuple(m for m in series.matchers if m[0] != label)))


def _legend(labels: tuple[str, ...]) -> str:
    return " ".join(f"{{{{{label}}}}}" for label in labels) or "value"


def _shown(signal: plan.Signal, arms: plan.Arms | None) -> tuple[str, ...]:
    """The labels that tell the curves apart; for versions given at the start, the arm."""
    told = arms is not None and arms.told and arms.label in signal.by
    return (names.ARM, *signal.by) if told else signal.by


def _values(signal: plan.Signal, arms: plan.Arms | None) -> list[Line]:
    lines = [Line(_recorded(signal.value, arms), _legend(_shown(signal, arms)))]
    beside = other_arm(signal.measure, arms) if arms is not None else None
    if arms is not None and beside is not None and beside != signal.measure:
        events = values.traffic(beside, (arms.label,))
        lines.append(
            Line(
                values.value(beside, (arms.label,), events),
                f"{_legend(signal.by)} (not judged)",
                Look.other_arm,
            )
        )
    return lines


def other_arm(measure: plan.Measure, arms: plan.Arms) -> plan.Measure:
    """The same measure of the stable arm; unchanged if it does not judge only the canary."""
    inner = {field.name: _of_stable(getattr(measure, field.name), arms) for field in fields(measure)}
    return replace(measure, **inner)


def _of_stable(value: Any, arms: plan.Arms) -> Any:
    if isinstance(value, tuple):
        return tuple(_of_stable(one, arms) for one in value)
    if isinstance(value, plan.Selector):
        canary = (arms.label, "=", arms.canary)
        return value.where((arms.label, "=", arms.stable)) if canary in value.matchers else value
    return other_arm(value, arms) if isinstance(value, plan.Measure) else value


def _events(signal: plan.Signal) -> list[Line]:
    measure = signal.measure.inner
    if signal.events is None or not isinstance(measure, plan.EventMeasure):
        return []
    width = span(measure.window)
    return [
        Line(
            str(signal.events),
            " ".join([f"events in {width}", *([_legend(measure.by)] if measure.by else [])]),
            Look.events,
            Unit.number,
        ),
        Line(f"vector({measure.min_events})", "events needed to judge", Look.fewest, Unit.number),
    ]
