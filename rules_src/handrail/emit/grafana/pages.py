"""A rollout of the plan → its dashboards: the rollout's own page, and those somebody declared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Generic, TypeVar

from grafana_foundation_sdk.builders import dashboard as built
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    DashboardLink,
    DashboardLinkType,
    GridPos,
    Panel,
    RowPanel,
    VariableOption,
)

from handrail import plan
from handrail.contract import names
from handrail.emit.grafana import declared_panels, guardrail_panels, rollout_panels, slo_panels
from handrail.emit.grafana.drawing import SOURCE, Link
from handrail.units import span

FEW_MINUTES = timedelta(minutes=15)
"""How long an action is marked: Grafana looks every few minutes only where it shows many weeks."""
WIDTH = 24
"""Columns of Grafana's grid."""

Thing = TypeVar("Thing")
Rows = Sequence[tuple[str, Sequence[Panel]]]


class Ready(Builder[Thing], Generic[Thing]):
    """A finished object where the SDK wants a builder."""

    def __init__(self, thing: Thing) -> None:
        self.thing = thing

    def build(self) -> Thing:
        """The finished object."""
        return self.thing


class Events(AnnotationQuery):
    """Annotations from Prometheus: adds the fields that the SDK's model lacks."""

    def __init__(self, name: str, colour: str, expr: str, title: str, *, at_value: bool = False) -> None:
        super().__init__(name=name, datasource=SOURCE, icon_color=colour, expr=expr)
        self.title, self.at_value = title, at_value

    def to_json(self) -> dict[str, object]:
        """The SDK's fields and the data source's."""
        own = {"titleFormat": self.title, "useValueForTime": self.at_value, "step": "15s"}
        return {**super().to_json(), **own}


def pages(rollout: plan.Rollout, environment: plan.Environment) -> dict[str, Dashboard]:
    """File → dashboard."""
    own, *others = rollout.dashboards
    files = {names.dashboard_file(rollout.name): _page(own, rollout, environment, _own(own, rollout))}
    for page in others:
        panels = declared_panels.rows_of(page, rollout)
        files[names.dashboard_file(rollout.name, page.name)] = _page(page, rollout, environment, panels)
    return files


def _own(page: plan.Dashboard, rollout: plan.Rollout) -> Rows:
    return [
        ("", rollout_panels.panels(rollout)),
        ("Guardrails", _each(guardrail_panels.panels(chain, rollout) for chain in rollout.guardrails)),
        ("Objectives", _each(slo_panels.panels(chain, rollout) for chain in rollout.slos)),
        *((title or "More", panels) for title, panels in declared_panels.rows_of(page, rollout)),
    ]


def _each(panels: Iterable[list[Panel]]) -> list[Panel]:
    return [panel for several in panels for panel in several]


def _page(
    page: plan.Dashboard, rollout: plan.Rollout, environment: plan.Environment, groups: Rows
) -> Dashboard:
    board = (
        built.Dashboard(page.title)
        .uid(names.dashboard_uid(rollout.name, page.name, _shared(environment)))
        .description(f"generated from {rollout.source}; {names.EDIT}")
        .tags(["handrail", *_tags(rollout, environment), f"service:{rollout.service}"])
        .timezone("utc")
        .time(f"now-{span(page.last)}", "now")
        .refresh(span(page.refresh))
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .with_variable(_datasource(environment))
        .link(Link("Runbook", rollout.runbook_url))
        .link(Link("Rollout page", f"{environment.receiver}/rollouts/{rollout.name}"))
        .link(Ready(_others(rollout, environment)))
        .annotations([Ready(event) for event in _events(rollout)])
    )
    done = board.build()
    done.panels = list(_placed(groups))
    for number, placed in enumerate(done.panels, start=1):
        placed.id_val = number
    return done


def _datasource(environment: plan.Environment) -> built.DatasourceVariable:
    """The variable for the data source: the environment's Prometheus; if that has a name, no other can be chosen."""
    name = environment.datasource or names.DATASOURCE
    variable = built.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    variable = variable.current(VariableOption(selected=True, text=name, value=names.datasource_uid(name)))
    return variable if environment.datasource is None else variable.regex(f"/^{re.escape(name)}$/")


def _placed(groups: Rows) -> Iterator[Panel | RowPanel]:
    """The panels from left to right, in a new line if one does not fit; the SDK itself does not wrap."""
    x = y = height = 0
    for title, panels in groups:
        if panels and title:
            x, y, height = 0, y + height + 1, 0
            yield RowPanel(title=title, grid_pos=GridPos(x=0, y=y - 1, w=WIDTH, h=1))
        for panel in panels:
            size = panel.grid_pos or GridPos(w=WIDTH // 2, h=8)
            if x + size.w > WIDTH:
                x, y, height = 0, y + height, 0
            panel.grid_pos = GridPos(x=x, y=y, w=size.w, h=size.h)
            x, height = x + size.w, max(height, size.h)
            yield panel


def _shared(environment: plan.Environment) -> str:
    """The environment's name, if other environments may have dashboards in the same Grafana."""
    return environment.name if "grafana" in environment.existing else ""


def _tags(rollout: plan.Rollout, environment: plan.Environment) -> list[str]:
    """The tags of the dashboards of one rollout."""
    shared = _shared(environment)
    return [f"rollout:{rollout.name}", *([f"environment:{shared}"] if shared else [])]


def _others(rollout: plan.Rollout, environment: plan.Environment) -> DashboardLink:
    tags = _tags(rollout, environment)
    return DashboardLink(
        "Dashboards", DashboardLinkType.DASHBOARDS, tags=tags, as_dropdown=True, keep_time=True
    )


def _events(rollout: plan.Rollout) -> list[Events]:
    of = (names.ROLLOUT, "=", rollout.name)
    acted = rollout_panels.acted(rollout, max(4 * rollout.scrape, FEW_MINUTES))
    events = [Events("Actions", "red", f"{acted} > 0", "{{action}}: {{outcome}}")]
    if rollout.stages:
        entered = plan.Selector(names.STAGE_ENTERED_METRIC, (of,))
        began = f"max by (stage) ({entered}) * 1000"
        events.insert(0, Events("Stages", "blue", began, "stage {{stage}}", at_value=True))
    return events
