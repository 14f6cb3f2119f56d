"""The plots of a bundle's report: the same as the rollout's page has of the same samples, with every kind of limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from guarded.playbook import tier
from handrail.contract import GuardrailFacts, Playbook, ReferenceQuery, StageFigure
from handrail_receiver.evidence.bundle import CapturedFigure, Contents, RunsFile
from handrail_receiver.evidence.plotting import plots_of
from handrail_receiver.model import Attempt, AttemptState, Captured, History, Run, RunState
from handrail_receiver.plots.timeplot import svg
from handrail_receiver.view_models.guardrail_plots import Window, plots, plotted
from handrail_receiver.view_models.schemas import run_view
from handrail_receiver.view_models.timeline import timeline

from .kept import CANARY, LIMIT, NOW, OURS, book, series
from .made import ATTEMPT, contents

VALUE = "handrail:guardrail:value"
STABLE = {**OURS, "track": "stable"}
AGO = {"about": "error-rate: the figure of 1d ago"}
RECORDED = (
    series(CANARY, [0.01, 0.02, 0.03, 0.03], VALUE),
    series(STABLE, [0.01, 0.02, 0.01, 0.01], VALUE),
    series(AGO, [0.01, 0.01, 0.02, 0.02]),
    series({**CANARY, "signal": "of another kind"}, [9, 9, 9, 9], VALUE),
)
CAPTURED = {"before": 0.01, "stage:10%": 0.02}


def against(reference: str, **facts: Any) -> Playbook:
    """The error rate may be half as high again as its reference."""
    half = (StageFigure(stage=None, figure=Decimal("1.5")),)
    limit = LIMIT.model_copy(update={"figures": half, "reference": reference, **facts})
    tiers = (tier("error-rate", "warning", "investigate", limits=(limit,)),)
    asked = (ReferenceQuery(reference="stage:10%", expr="x"),)
    return book(guardrails=(GuardrailFacts(name="error-rate", unit="ratio", tiers=tiers, references=asked),))


def entered(number: int, action: str, stage: str, minutes: float) -> Run:
    at = NOW - timedelta(minutes=minutes)
    return Run(number, 7, "shop", action, stage, 0, RunState.done, "alice", "x", at, at, at, at, at)


RUNS = (entered(1, "start", "10%", 3.5), entered(2, "promote", "50%", 0.5))


def of_a_bundle(playbook: Playbook) -> Contents:
    figures = [
        CapturedFigure(guardrail="error-rate", reference=name, value=figure)
        for name, figure in CAPTURED.items()
    ]
    made = contents(playbook=playbook, captured=figures, recorded=RECORDED)
    return replace(made, runs=RunsFile(runs=tuple(map(run_view, RUNS))))


def limits(playbook: Playbook) -> list[tuple[str, float, float]]:
    """Each limit, and how many seconds before the end it begins."""
    [plot] = plots_of(of_a_bundle(playbook))
    return [(one.text, round(one.figure, 4), NOW.timestamp() - one.start) for one in plot.limits]


@pytest.mark.parametrize(
    ("reference", "facts", "drawn"),
    [
        ("the figure from before the rollout", {}, [("warning", 0.015, 210), ("warning", 0.015, 30)]),
        ("the stage before", {}, [("warning", 0.03, 30)]),
        ("stage 10%", {}, [("warning", 0.03, 210), ("warning", 0.03, 30)]),
        ("the stable arm", {}, [("warning", 0.015, 45), ("", 0.03, 30), ("warning", 0.015, 15)]),
        (
            "the figure of 1d ago",
            {"past": "x"},
            [("warning", 0.015, 45), ("", 0.015, 30), ("warning", 0.03, 15)],
        ),
    ],
)
def test_a_limit_that_is_relative_or_moves_is_a_line_of_the_report(
    reference: str, facts: Mapping[str, str], drawn: list[tuple[str, float, float]]
) -> None:
    assert limits(against(reference, **facts)) == drawn


@pytest.mark.parametrize(
    "playbook",
    [
        book(),
        against("the figure from before the rollout"),
        against("the stage before"),
        against("the stable arm"),
        against("the figure of 1d ago", past="x"),
    ],
)
def test_a_report_draws_what_the_page_draws_of_the_same_samples(playbook: Playbook) -> None:
    given = of_a_bundle(playbook)
    start = ATTEMPT.started_at
    attempt = Attempt(7, "shop", "shop", 3, AttemptState.rolled_back, "50%", NOW, start, "alice")
    captured = tuple(Captured("error-rate", name, figure) for name, figure in CAPTURED.items())
    history = History(attempt, RUNS, captured=captured)
    window = Window(start, NOW)
    samples = [
        (one.labels, [(at, float(number)) for at, number in one.points if at >= start.timestamp()])
        for one in RECORDED[:3]
    ]
    known = plotted(playbook, history, timeline(given.own.chain(), ()), {})
    of_page = plots(known, samples, window, timedelta(seconds=15))
    of_bundle = plots_of(replace(given, snapshots={}))
    assert list(map(svg, of_bundle)) == list(map(svg, of_page.values()))
