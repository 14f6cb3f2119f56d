"""An objective of the plan → its panels: what is left of the error budget, and how fast it burns."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from handrail import plan
from handrail.emit.grafana.drawing import Line, Look, PanelFrame, curves, figure
from handrail.units import Unit, plain, show, span

LOOKS = {"warning": Look.warning, "critical": Look.critical, "emergency": Look.emergency}


def panels(slo: plan.Slo, rollout: plan.Rollout) -> list[Panel]:
    """The budget as a figure and the burn rates over time."""
    budget = 1 - slo.objective
    links = (("Runbook", f"{rollout.runbook_url}#slo-{slo.name}"),)
    over = "in each calendar month" if slo.monthly else f"over {span(slo.window)}"
    promise = f"{show(slo.objective, Unit.ratio)} of the {slo.counts} are good {over}."
    ratios = {dict(ratio.labels)["window"]: _series(ratio) for ratio in slo.ratios}
    whole = _series(slo.ratios[-1])
    return [
        figure(
            PanelFrame(f"{slo.title}: error budget left", promise, links, width=6),
            "percentunit",
            [Line(f"1 - {whole} / {plain(budget)}", f"of {show(budget, Unit.ratio)}")],
            nothing="no events yet",
        ),
        curves(
            PanelFrame(
                f"{slo.title}: burn rate",
                f"{promise} At burn rate 1 the error budget lasts exactly that long.",
                links,
                width=18,
            ),
            Unit.number,
            [*_burning(slo, ratios), *_lines(slo)],
        ),
    ]


def _series(ratio: plan.Recording) -> plan.Selector:
    return plan.Selector(ratio.record, tuple((label, "=", text) for label, text in ratio.labels))


def _burning(slo: plan.Slo, ratios: dict[str, plan.Selector]) -> list[Line]:
    windows = {span(burn.long): ratios[span(burn.long)] for _, burns in slo.burns for burn in burns}
    budget = plain(1 - slo.objective)
    return [Line(f"{series} / {budget}", f"over {window}") for window, series in windows.items()]


def _lines(slo: plan.Slo) -> list[Line]:
    return [
        Line(f"vector({plain(burn.factor)})", f"{tier} over {span(burn.long)}", LOOKS[tier])
        for tier, burns in slo.burns
        for burn in burns
    ]
