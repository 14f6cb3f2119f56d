"""A declared dashboard of the plan → its rows of panels, each drawn by its kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from grafana_foundation_sdk.models.dashboard import Panel

from handrail import plan
from handrail.emit.grafana import guardrail_panels
from handrail.emit.grafana.drawing import (
    UNITS,
    Line,
    Look,
    PanelFrame,
    Steps,
    bars,
    buckets,
    curves,
    dials,
    figure,
    markdown,
    rows,
    states,
)
from handrail.report import wording
from handrail.units import Unit, plain

SMALL = {plan.Shown.figure: 4, plan.Shown.gauge: 6, plan.Shown.states: 6}
"""How many lines high is what needs less room than the others."""
FEW = 2
"""How many figures stand beside each other in a quarter of the page."""
GOOD, NEAR, BAD = "green", "orange", "red"


def rows_of(page: plan.Dashboard, rollout: plan.Rollout) -> list[tuple[str, list[Panel]]]:
    """Every row with its heading, which may be empty."""
    guardrails = {guardrail.name: guardrail for guardrail in rollout.guardrails}
    return [(row.title, [_part(part, guardrails, rollout) for part in row.panels]) for row in page.rows]


def _part(
    part: plan.Panel | plan.Text, guardrails: dict[str, plan.Guardrail], rollout: plan.Rollout
) -> Panel:
    if isinstance(part, plan.Text):
        return markdown(PanelFrame(part.title, height=4), part.text)
    return _panel(part, guardrails.get(part.limits_of or ""), rollout)


def _panel(panel: plan.Panel, limited: plan.Guardrail | None, rollout: plan.Rollout) -> Panel:
    narrow = (
        panel.shown in {plan.Shown.figure, plan.Shown.gauge}
        and len(panel.curves) <= FEW
        and not any(curve.by for curve in panel.curves)
    )
    frame = PanelFrame(
        panel.title, panel.note or "", width=6 if narrow else 12, height=SMALL.get(panel.shown, 8)
    )
    first, unit = panel.curves[0], panel.curves[0].unit
    lines = [_line(curve, unit) for curve in panel.curves]
    coloured = [
        replace(line, steps=_steps(_bounds_of(curve, panel)))
        for line, curve in zip(lines, panel.curves, strict=True)
    ]
    match panel.shown:
        case plan.Shown.curves:
            more = guardrail_panels.limits(limited, rollout) if limited else []
            return curves(frame, unit, [*lines, *(_bound(one, panel) for one in panel.bounds), *more])
        case plan.Shown.states:
            return states(frame, lines)
        case plan.Shown.heatmap:
            return buckets(frame, first.expr, milliseconds=first.scale != 1)
        case plan.Shown.figure:
            return figure(frame, UNITS[unit], coloured)
        case plan.Shown.gauge:
            return dials(frame, unit, coloured)
        case plan.Shown.bars:
            return bars(frame, unit, coloured)
        case plan.Shown.table:
            return rows(frame, unit, [_column(curve, unit) for curve in panel.curves])


def _column(curve: plan.Curve, unit: Unit) -> Line:
    return replace(_line(curve, unit), legend=curve.name or "value")


def _line(curve: plan.Curve, unit: Unit) -> Line:
    legend = " ".join([curve.name, *(f"{{{{{label}}}}}" for label in curve.by)]).strip()
    return Line(curve.expr, legend or "value", unit=None if curve.unit is unit else curve.unit)


def _bound(bound: plan.Bound, panel: plan.Panel) -> Line:
    """A figure as a line over curves."""
    unit = next((curve.unit for curve in panel.curves if curve.name == bound.name), panel.curves[0].unit)
    look = Look.success if bound.is_target else Look.critical
    own = None if unit is panel.curves[0].unit else unit
    return Line(f"vector({plain(bound.figure)})", wording.bound(bound, unit), look, own)


def _bounds_of(curve: plan.Curve, panel: plan.Panel) -> list[plan.Bound]:
    return [bound for bound in panel.bounds if bound.name in {"", curve.name}]


def _steps(bounds: Sequence[plan.Bound]) -> Steps:
    """What meets the target is green, what passes the limit red, and what lies between is orange."""
    if not bounds:
        return ()
    target = next((bound for bound in bounds if bound.is_target), None)
    limit = next((bound for bound in bounds if not bound.is_target), None)
    less_is_better = bounds[0].op.is_upper is not bounds[0].is_target
    rising: list[tuple[Decimal | None, str]]
    if less_is_better:
        rising = [(None, GOOD)]
        rising += [(target.figure, BAD if limit is None else NEAR)] if target is not None else []
        rising += [(limit.figure, BAD)] if limit is not None else []
    else:
        rising = [(None, BAD)]
        rising += [(limit.figure, GOOD if target is None else NEAR)] if limit is not None else []
        rising += [(target.figure, GOOD)] if target is not None else []
    return tuple(rising)
