"""Declared dashboards → the plan's: every curve a finished query, the rollout's own page first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handrail import contract, plan
from handrail.declare.dashboard import Bound, Dashboard, Distribution, Panel, Row, Text, bounds_of
from handrail.declare.measures import Measure
from handrail.declare.rollout import Arms, Rollout
from handrail.lower.plan_conditions import FIXED
from handrail.lower.plan_measures import HISTOGRAM_SCALES, lower_measure
from handrail.lower.rollout_context import RolloutContext
from handrail.promql import values
from handrail.promql.syntax import by
from handrail.promql.windows import ESTIMATED
from handrail.units import Unit, amount, duration

MAIN = "main"


def lower_dashboards(rollout: Rollout, context: RolloutContext) -> tuple[plan.Dashboard, ...]:
    """The rollout's own page, whether declared or not, then the others in their order."""
    return tuple(_page(page, name, title, context) for page, name, title in _pages(rollout))


def dashboard_facts(rollout: Rollout, context: RolloutContext) -> tuple[contract.DashboardFacts, ...]:
    """The title and the address of each, in the same order."""
    return tuple(
        contract.DashboardFacts(title=title, url=context.dashboard(name))
        for _, name, title in _pages(rollout)
    )


def _pages(rollout: Rollout) -> Iterator[tuple[Dashboard, str, str]]:
    """Each page with its name and its title."""
    title = rollout.title or rollout.name
    own = next((page for page in rollout.dashboards if page.name == MAIN), Dashboard(MAIN))
    yield own, "", own.title or title
    for page in rollout.dashboards:
        if page.name != MAIN:
            yield page, page.name, page.title or f"{title}: {page.name}"


def _page(page: Dashboard, name: str, title: str, context: RolloutContext) -> plan.Dashboard:
    return plan.Dashboard(
        name=name,
        title=title,
        rows=tuple(_rows(page, context)),
        refresh=duration(page.refresh),
        last=context.scale.duration(page.last),
    )


def _rows(page: Dashboard, context: RolloutContext) -> Iterator[plan.Row]:
    """The rows, panels without a heading first."""
    loose = tuple(_part(part, context) for part in page.panels if not isinstance(part, Row))
    if loose:
        yield plan.Row("", loose)
    for row in page.panels:
        if isinstance(row, Row):
            yield plan.Row(row.title, tuple(_part(part, context) for part in row.panels))


def _part(part: Panel | Text, context: RolloutContext) -> plan.Panel | plan.Text:
    return plan.Text(part.title, part.text) if isinstance(part, Text) else _panel(part, context)


def _panel(panel: Panel, context: RolloutContext) -> plan.Panel:
    return plan.Panel(
        title=panel.title,
        shown=plan.Shown.heatmap if isinstance(panel.curves, Distribution) else plan.Shown(panel.show),
        curves=tuple(_curves(panel, context)),
        bounds=(
            *(_bound(name, bound, is_target=True) for name, bound in bounds_of(panel.target)),
            *(_bound(name, bound, is_target=False) for name, bound in bounds_of(panel.limit)),
        ),
        limits_of=panel.limits_of,
        note=panel.note,
    )


def _bound(name: str, bound: Bound, *, is_target: bool) -> plan.Bound:
    if isinstance(bound.at, Mapping):
        raise TypeError("a panel's bound is one figure")
    return plan.Bound(name, FIXED[type(bound)], amount(bound.at).value, is_target)


def _curves(panel: Panel, context: RolloutContext) -> Iterator[plan.Curve]:
    if isinstance(panel.curves, Distribution):
        yield _distribution(panel.curves, context.rollout.arms if not panel.whole_service else None, context)
    elif isinstance(panel.curves, Mapping):
        for name, measure in panel.curves.items():
            yield _curve(name, measure, panel, context)
    else:
        yield _curve("", panel.curves, panel, context)


def _curve(name: str, measure: Measure, panel: Panel, context: RolloutContext) -> plan.Curve:
    lowered, unit = lower_measure(measure, context.measuring)
    arms = None if panel.whole_service else context.rollout.arms
    wanted = tuple(panel.by)
    whole = isinstance(lowered, plan.Absence | plan.PromQL)
    apart = (*((arms.label,) if arms else ()), *wanted)
    labels = () if whole else tuple(label for label in apart if label not in lowered.labels)
    events = values.traffic(lowered, labels)
    shown = wanted if whole else labels + lowered.labels
    return plan.Curve(name, values.value(lowered, labels, events), unit, shown)


def _distribution(measure: Distribution, arms: Arms | None, context: RolloutContext) -> plan.Curve:
    """The canary's distribution alone, if there are arms: two distributions in one picture cannot be told apart."""
    series = context.measuring.series(measure.histogram)
    if arms is not None and isinstance(arms.canary, str):
        series = series.where((arms.label, "=", arms.canary))
    window = context.measuring.scale.duration(measure.window)
    buckets, apart = (series, ()) if measure.native else (series.suffixed("_bucket"), ("le",))
    expr = by("sum", apart, ESTIMATED.rate(buckets, window))
    return plan.Curve("", expr, Unit.seconds, apart, HISTOGRAM_SCALES[measure.unit])
