"""Declared dashboards → the plan's: every curve a finished query, the rollout's own page first."""

from __future__ import annotations

from collections.abc import Mapping

from handrail import plan
from handrail.declare.dashboard import Dashboard, Panel
from handrail.declare.measures import Measure
from handrail.declare.rollout import Rollout
from handrail.lower.plan_measures import lower_measure
from handrail.lower.rollout_context import RolloutContext
from handrail.promql import values
from handrail.units import duration

MAIN = "main"


def lower_dashboards(rollout: Rollout, context: RolloutContext) -> tuple[plan.Dashboard, ...]:
    """The rollout's own page, whether declared or not, then the others in their order."""
    title = rollout.title or rollout.name
    own = next((page for page in rollout.dashboards if page.name == MAIN), Dashboard(MAIN))
    rest = [page for page in rollout.dashboards if page.name != MAIN]
    return (
        _page(own, "", own.title or title, context),
        *(_page(page, page.name, page.title or f"{title}: {page.name}", context) for page in rest),
    )


def _page(page: Dashboard, name: str, title: str, context: RolloutContext) -> plan.Dashboard:
    return plan.Dashboard(
        name=name,
        title=title,
        panels=tuple(_panel(panel, context) for panel in page.panels),
        refresh=duration(page.refresh),
        last=context.scale.duration(page.last),
    )


def _panel(panel: Panel, context: RolloutContext) -> plan.Panel:
    curves = panel.curves if isinstance(panel.curves, Mapping) else {"": panel.curves}
    return plan.Panel(
        title=panel.title,
        shown=plan.Shown(panel.show),
        curves=tuple(_curve(name, measure, tuple(panel.by), context) for name, measure in curves.items()),
        limits_of=panel.limits_of,
        note=panel.note,
    )


def _curve(name: str, measure: Measure, wanted: tuple[str, ...], context: RolloutContext) -> plan.Curve:
    lowered, unit = lower_measure(measure, context.measuring)
    arms = context.rollout.arms
    whole = isinstance(lowered, plan.Absence | plan.PromQL)
    apart = (*((arms.label,) if arms else ()), *wanted)
    labels = () if whole else tuple(label for label in apart if label not in lowered.labels)
    events = values.traffic(lowered, labels)
    shown = wanted if whole else labels + lowered.labels
    return plan.Curve(name, values.value(lowered, labels, events), unit, shown)
